/** Ours: the difference between two images, made, applied on a machine's store, and applied by processes that are killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import type { Image } from "#image/image.ts";
import { exec } from "#sys/exec.ts";
import { openStore } from "#store/open.ts";
import type { Store } from "#store/store.ts";
import { MEMORY_OPTION } from "../../src/agent/bundle.ts";
import { deltaFiles } from "../../src/registry/delta/layout.ts";
import { makeManifestPatch } from "../../src/registry/delta/manifest.ts";
import { objectsOf } from "../../src/registry/objects-of.ts";
import { renderRelease } from "../../src/registry/release.ts";
import { serveFolder } from "../../src/registry/serve.ts";
import { measure } from "../measure.ts";
import type { Measured } from "./table.ts";
import type { OurPair } from "./ours-run.ts";

const PROGRAM = new URL("ours-run.ts", import.meta.url).pathname;

export interface OurUpdate extends Measured {
  /** Bytes of all new objects, unpacked. */
  readonly changed: number;
  /** For {@link killed}. */
  readonly place: OurPlace;
}

export interface OurPlace {
  readonly folder: string;
  readonly served: string;
  readonly machine: string;
  readonly pair: string;
}

/** @param images old and new. @param folder a new one */
export async function ours(images: readonly [Image, Image], host: Store, folder: string): Promise<OurUpdate> {
  mkdirSync(folder);
  const sideOf = (image: Image): OurPair["from"] => ({ image, objects: objectsOf(image, host) });
  const [from, to] = [sideOf(images[0]), sideOf(images[1])];
  const place = { folder, served: join(folder, "served"), machine: join(folder, "machine"), pair: join(folder, "pair.json") };
  writeFileSync(place.pair, JSON.stringify({ from, to } satisfies OurPair));
  const make = await measure(execPath, [PROGRAM, "make", host.root, place.served, place.pair], { folder });

  const machine = await openStore(place.machine);
  for (const { object } of from.objects) machine.add(host.read(object));
  machine.flush();
  await machine.close();
  const copy = await copyOf(place, "applied");
  const apply = await measure(execPath, [MEMORY_OPTION, PROGRAM, "apply", copy, place.served, place.pair], { folder });

  const files = deltaFiles(to.image.digest, from.image.digest);
  const manifest = renderRelease({ version: 1, name: to.image.name, sequence: 2, image: to.image, objects: to.objects });
  const patch = await makeManifestPatch(from.objects, manifest);
  const sizes = [files.data, files.index].map((path) => statSync(join(place.served, path)).size);
  const had = new Set(from.objects.map(({ object }) => object));
  const changed = to.objects.reduce((sum, { object, size }) => sum + (had.has(object) ? 0 : size), 0);
  const wire = sizes.reduce((sum, size) => sum + size, (patch ?? manifest).length);
  return { name: "ashlar", wire, make, apply, changed, place };
}

async function copyOf({ machine, folder }: OurPlace, name: string): Promise<string> {
  const to = join(folder, name);
  cpSync(machine, to, { recursive: true });
  await exec("sync", ["--file-system", to]);
  return to;
}

export interface Killed {
  readonly kills: number;
  /** Of what one transfer downloads: how much was downloaded again after one kill, each. */
  readonly again: readonly number[];
}

/** Bytes a second. On a faster line a killed process loses what was in buffers on the way, too. */
const LINE = 500_000;

/** Kills a receiving process with SIGKILL when it was sent a random number of bytes, and lets another one go on. */
export async function killed(place: OurPlace, kills: number): Promise<Killed> {
  const again: number[] = [];
  const server = await serveFolder(place.served, { rate: LINE });
  try {
    const whole = await bytesOf(server, async () => runTo(await copyOf(place, "whole"), server.address, place));
    for (let kill = 0; kill < kills; kill++) {
      const copy = await copyOf(place, `killed-${kill}`);
      const at = Math.floor(((kill + Math.random()) / kills) * whole);
      const bytes = await bytesOf(server, async () => {
        const before = server.sent();
        await runTo(copy, server.address, place, () => server.sent() - before >= at);
        await runTo(copy, server.address, place);
      });
      again.push((bytes - whole) / whole);
    }
  } finally {
    await server.close();
  }
  return { kills, again };
}

async function bytesOf(server: { sent(): number }, work: () => Promise<void>): Promise<number> {
  const before = server.sent();
  await work();
  return server.sent() - before;
}

/** @param isTime tells when to kill it; without, it has to succeed */
async function runTo(store: string, source: string, { pair }: OurPlace, isTime?: () => boolean): Promise<void> {
  const child = spawn(execPath, [MEMORY_OPTION, PROGRAM, "apply", store, source, pair], { stdio: ["ignore", "inherit", "inherit"] });
  const closed = once(child, "close");
  const watch = setInterval(() => isTime?.() === true && child.kill("SIGKILL"), 1);
  await closed;
  clearInterval(watch);
  if (isTime === undefined && child.exitCode !== 0) throw new Error(`the receiving process ended with ${child.exitCode}`);
}
