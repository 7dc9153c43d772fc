/** `ashlar disk`: the image of a config, installed on a disk image that boots. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { espFiles } from "#boot/esp.ts";
import { firstDeployment } from "#deployment/deployment.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import { makeDisk } from "#image/disk.ts";
import type { Lock } from "#lock/lock.ts";
import { recoveryKinds } from "#boot/recovery.ts";
import { imageRoot } from "#state/root-reader.ts";
import { readSystem } from "#state/system-of.ts";
import { openStore } from "#store/open.ts";
import type { StoredFile } from "#store/store.ts";
import { openToolchain } from "#toolchain/open.ts";
import { buildSystem } from "./build.ts";
import type { BuildOptions, BuildResult } from "./build.ts";
import type { Context } from "./context.ts";
import { kernelOf } from "./record.ts";

export interface DiskOptions extends BuildOptions {
  /** Path of the image file to write. */
  readonly output: string;
  /** Bytes; by default the content and 2 GiB of room. */
  readonly size?: number;
  /** What was built of `config` just now; it is built when absent. */
  readonly built?: BuildResult;
}

export interface DiskResult extends BuildResult {
  readonly output: string;
  /** Bytes of the disk; holes in the file take no space. */
  readonly bytes: number;
}

export async function makeDiskImage(options: DiskOptions, context: Context): Promise<DiskResult> {
  const { workspace, report } = context;
  const built = options.built ?? (await buildSystem(options, context));
  const store = await openStore(workspace.store);
  try {
    const lock = JSON.parse(store.read(built.lock).toString()) as Lock;
    const toolchain = await openToolchain("build", { workspace, report, packages: lock.tools.packages });
    const kernel = kernelOf(built.image);
    const system = readSystem(imageRoot(store, built.image.digest));
    const files = espFiles({
      image: built.image,
      linux: store.read(kernel.linux),
      initrd: store.read(kernel.initrd),
      systemdBoot: readFileSync(join(toolchain.root, "usr/lib/systemd/boot/efi/systemd-bootx64.efi")),
      generation: 1,
      recovery: system === undefined ? [] : recoveryKinds(system.boot),
    });
    // The initrd is no file of the tree, but the next upgrade would fetch it again if the store did not have it.
    const initrd = { object: kernel.initrd, size: store.read(kernel.initrd).length };
    const objects = [...(objectsOfImage(store.read(built.image.digest)) as StoredFile[]), initrd];
    const { bytes } = await makeDisk({
      image: built.image,
      store,
      toolchain,
      workspace,
      output: options.output,
      size: options.size,
      report,
      espFiles: files,
      deployment: firstDeployment(built.image),
      objects,
    });
    return { ...built, output: options.output, bytes };
  } finally {
    await store.close();
  }
}
