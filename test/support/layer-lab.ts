/** A machine in a folder that runs a real image, with the downloads and tools of the host: for its layers. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publishSystem } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { openWorkspace } from "#workspace";
import { openBuildLab } from "./build-lab.ts";
import type { BuildLab } from "./build-lab.ts";
import { installMachine } from "./fake-machine.ts";
import type { FakeMachine } from "./fake-machine.ts";
import { makeKeys, rootOf } from "./keys.ts";

export interface LayerLab extends Disposable {
  readonly build: BuildLab;
  readonly machine: FakeMachine;
  /** Of the released image that the machine was installed with. */
  readonly base: string;
  /** A folder with these files, to add as a layer. */
  folder(name: string, files: Readonly<Record<string, string>>): string;
  /** Publishes a config of the lab for the machine. @returns its digest */
  publish(config: string): Promise<string>;
}

/** The minimal example, published and installed. */
export async function openLayerLab(): Promise<LayerLab> {
  const build = await openBuildLab();
  const folder = mkdtempSync(join(tmpdir(), "ashlar-layers-"));
  const releases = join(folder, "releases");
  const signing = makeKeys(join(folder, "keys"));
  const context = { workspace: openWorkspace(), report: silentReporter };
  const publish = async (config: string): Promise<string> =>
    (await publishSystem({ config, folder: releases, signing }, context)).image.digest;
  const base = await publish(build.config);
  const machine = await installMachine(join(folder, "machine"), releases, rootOf(signing), "minimal");
  const cache = join(machine.root, "var/cache/ashlar");
  mkdirSync(cache, { recursive: true });
  for (const name of ["archive", "packages", "toolchain"] as const) symlinkSync(context.workspace[name], join(cache, name));
  return {
    build,
    machine,
    base,
    folder: (name, files) => {
      const path = join(folder, name);
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(join(path, file, ".."), { recursive: true });
        writeFileSync(join(path, file), text);
      }
      return path;
    },
    publish,
    [Symbol.dispose]: () => {
      build[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
