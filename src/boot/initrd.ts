/**
 * The initrd: a small root with systemd, udev, the kernel modules that disks need, and one script that mounts the machine.
 * It is a pure function of the tree, the same on every computer; generations with the same packages share it.
 *
 *   kernel -> systemd -> udev finds the disk -> sysroot.mount (ext4) -> ashlar-mount.service (assets/mount.sh) -> switch-root
 */
import { AshlarError } from "#errors";
import { writeCpio } from "#formats/cpio.ts";
import { pack } from "#formats/packed.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Tree } from "#tree/tree.ts";
import { readAsset } from "./assets.ts";
import type { BootErrorCode } from "./errors.ts";
import { PROGRAMS, SKELETON, UDEV_RULES } from "./initrd/contents.ts";
import { putDirectory, putFile, putLink, startGathering, takeFile, takeOptional } from "./initrd/gather.ts";
import { takeIdentity } from "./initrd/identity.ts";
import { INITRD_MODULES } from "./initrd/module-table.ts";
import { takeModules } from "./initrd/modules.ts";
import { takeUnits } from "./initrd/units.ts";

export interface InitrdOptions {
  /** Kernel modules besides the built-in table (`kernel.initrdModules` of the config). */
  readonly modules: readonly string[];
  /** Seconds since 1970 of every member of the archive. */
  readonly epoch: number;
}

export interface GatheredInitrd {
  /** cpio, not yet compressed. */
  readonly archive: Buffer;
  readonly kernelVersion: string;
  /** The kernel image of the tree. */
  readonly linux: ObjectId;
}

const SCRIPTS = ["data.sh", "emergency.sh", "failsafe.sh", "mount.sh", "reset.sh", "seed-etc.sh", "var.sh"];

/**
 * Gathers the initrd of a machine from its own packages. {@link compressInitrd} makes of it what the kernel loads.
 * @throws E_BOOT_NO_KERNEL, E_BOOT_SEVERAL_KERNELS, E_INITRD_MISSING
 */
export function gatherInitrd(tree: Tree, store: Store, options: InitrdOptions): GatheredInitrd {
  const { version, linux } = findKernel(tree);
  const into = startGathering(tree, store);
  for (const name of SKELETON.directories) putDirectory(into, `/${name}`);
  for (const [path, target] of Object.entries(SKELETON.links)) putLink(into, path, target);
  for (const program of PROGRAMS) (program.optional ? takeOptional : takeFile)(into, program.path);
  takeUnits(into);
  for (const rule of UDEV_RULES) takeFile(into, `/usr/lib/udev/rules.d/${rule}`);
  takeIdentity(into);
  takeModules(into, version, [...INITRD_MODULES.flatMap(({ names }) => names), ...options.modules]);
  for (const script of SCRIPTS) putFile(into, `/usr/lib/ashlar/${script}`, readAsset(script));
  return { archive: writeCpio([...into.entries.values()], options.epoch), kernelVersion: version, linux };
}

/** Compresses an archive for the kernel. The same bytes give the same bytes: an update sends what changed in the archive. */
export function compressInitrd(archive: Buffer): Buffer {
  return pack(archive);
}

function findKernel(tree: Tree): { readonly version: string; readonly linux: ObjectId } {
  const images = [...tree.nodes].flatMap(([path, node]) => {
    const version = /^\/usr\/lib\/modules\/([^/]+)\/vmlinuz$/.exec(path)?.[1];
    return version !== undefined && node.kind === "file" && "object" in node.content ? [{ version, linux: node.content.object }] : [];
  });
  const [first, second] = images;
  if (first === undefined)
    throw new AshlarError<BootErrorCode>("E_BOOT_NO_KERNEL", "the tree has no /usr/lib/modules/VERSION/vmlinuz", {
      hint: 'set kernel.package in the config, e.g. "linux-image-amd64"',
    });
  if (second !== undefined)
    throw new AshlarError<BootErrorCode>(
      "E_BOOT_SEVERAL_KERNELS",
      `the tree has the kernels ${images.map(({ version }) => version).join(", ")}`,
      {
        hint: "keep one linux-image package in packages and kernel.package",
      },
    );
  return first;
}
