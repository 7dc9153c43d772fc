/** Mounts the tree of an image, verified, as `mount.sh` does at the start: docs/formats/boot.md, "mount.sh". */
import { closeSync, mkdirSync, openSync, rmdirSync } from "node:fs";
import { AshlarError } from "#errors";
import { mountFileSystem, unmount } from "#sys/mount.ts";
import { measureVerity } from "#sys/verity.ts";
import type { ApplyErrorCode } from "../errors.ts";

/**
 * Mounts image and objects, read-only.
 * @param store /sysroot/ashlar/store
 * @param target a folder, made when missing
 * @throws E_APPLY_IMAGE when the image is not in the store, or not the one of this digest; a system error of mount(2)
 */
export function mountImage(store: string, digest: string, target: string): void {
  const path = `${store}/images/${digest}`;
  const image = `${target}.image`;
  const fd = open(path);
  try {
    const measured = measureVerity(fd, path);
    if (measured !== digest) throw imageError(path, measured === undefined ? "has no fs-verity" : `is altered: its digest is ${measured}`);
    mkdirSync(target, { recursive: true });
    mkdirSync(image, { recursive: true });
    // The file that was measured is mounted, not the one that has its name now.
    mountFileSystem({ source: `/proc/self/fd/${fd}`, target: image, type: "erofs", readonly: true, setuid: true });
    try {
      mountFileSystem({
        source: `composefs:${digest}`,
        target,
        type: "overlay",
        data: `metacopy=on,redirect_dir=on,verity=require,lowerdir=${image}::${store}/objects`,
        readonly: true,
        setuid: true,
      });
    } finally {
      unmount(image);
      rmdirSync(image);
    }
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw imageError(path, "cannot be opened", cause);
  }
}

function imageError(path: string, why: string, cause?: unknown): AshlarError<ApplyErrorCode> {
  return new AshlarError("E_APPLY_IMAGE", `image ${path} ${why}`, {
    cause,
    hint: "`sudo ashlar fsck --repair` measures the store; `sudo ashlar upgrade` fetches what is missing",
    details: { path },
  });
}
