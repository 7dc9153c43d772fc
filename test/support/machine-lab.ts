/** A publisher and machines in folders, driven through the machine's own program as a person would. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { main } from "../../src/agent/main.ts";
import { publish } from "../../src/registry/publish.ts";
import type { PublishRequest } from "../../src/registry/publish.ts";
import type { Release } from "../../src/registry/release.ts";
import type { KeyRing } from "../../src/registry/trust/ring.ts";
import { silentReporter } from "../../src/report/reporter.ts";
import type { Store } from "../../src/store/store.ts";
import { installMachine } from "./fake-machine.ts";
import type { FakeMachine } from "./fake-machine.ts";
import { makeKeys, rootOf } from "./keys.ts";
import { makeImage, noise, openTestStore, scratch } from "./release-fixture.ts";

export type ReleaseOptions = Partial<Pick<PublishRequest, "signing" | "channel" | "barrier">>;

export interface Publisher {
  readonly store: Store;
  readonly keys: KeyRing;
  /** Publishes an image that differs from others in one file of 9000 bytes. */
  readonly release: (folder: string, version: number, how?: ReleaseOptions) => Promise<Release>;
}

/** In every image. */
const SHARED = noise(1, 20_000);
/** Bytes of the file that differs between images. */
export const CHANGED_SIZE = 9000;

export async function openPublisher(folder: string, options: Parameters<typeof makeKeys>[1] = {}): Promise<Publisher> {
  const keys = makeKeys(join(folder, "keys"), options);
  const store = await openTestStore(join(folder, "store"));
  const release = (releases: string, version: number, how: ReleaseOptions = {}): Promise<Release> => {
    const image = makeImage(store, [SHARED, noise(100 + version, CHANGED_SIZE)]);
    return publish({ image, store, folder: releases, signing: keys, report: silentReporter, ...how });
  };
  return { store, keys, release };
}

/** A publisher in a folder of its own, for a whole test file. */
export async function publisherHere(): Promise<{ readonly home: ReturnType<typeof scratch>; readonly publisher: Publisher }> {
  const home = scratch();
  const publisher = await openPublisher(home.path);
  after(async () => {
    await publisher.store.close();
    home[Symbol.dispose]();
  });
  return { home, publisher };
}

export interface Lab {
  readonly machine: FakeMachine;
  /** The folder it upgrades from. */
  readonly releases: string;
}

/** A machine that runs release 1 of a new folder. */
export async function openLab(folder: string, publisher: Publisher): Promise<Lab> {
  const releases = join(folder, "releases");
  await publisher.release(releases, 1);
  return { machine: await installMachine(join(folder, "machine"), releases, rootOf(publisher.keys)), releases };
}

export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the machine's program in this process. */
export async function ashlar(machine: FakeMachine, ...args: string[]): Promise<Ran> {
  let out = "";
  let err = "";
  const stream = (write: (text: string) => void): NodeJS.WriteStream => ({ write, isTTY: false }) as unknown as NodeJS.WriteStream;
  const exitCode = await main([...args, "--root", machine.root, "--progress", "quiet"], {
    stdout: stream((text) => void (out += text)),
    stderr: stream((text) => void (err += text)),
  });
  return { exitCode, out, err };
}

/** What a command that must succeed printed with `--json`. */
export async function json<T = Record<string, unknown>>(machine: FakeMachine, ...args: string[]): Promise<T> {
  const { exitCode, out, err } = await ashlar(machine, ...args, "--json");
  assert.equal(exitCode, 0, err);
  return JSON.parse(out) as T;
}

/** Everything that decides what starts, byte for byte: entries, kernels, records. */
export function bootState(machine: FakeMachine): Record<string, string> {
  const files: Record<string, string> = {};
  for (const folder of ["efi", "sysroot/ashlar/deployments"])
    for (const entry of readdirSync(join(machine.root, folder), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) files[join(entry.parentPath, entry.name)] = readFileSync(join(entry.parentPath, entry.name), "hex");
  return files;
}
