/**
 * A base image as a folder that can be written to, without changing the base: the image and the store's objects are the
 * read-only side of an overlay, everything that is written lands in a folder beside it. Nothing is copied.
 * https://docs.kernel.org/filesystems/overlayfs.html ("Data-only lower layers")
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, hasErrno, messageOf } from "#errors";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { mountFileSystem, unmount } from "#sys/mount.ts";

export type LayerRootErrorCode = "E_LAYER_MOUNT";

export interface LayerRoot extends Disposable {
  /** The whole root, writable. */
  readonly path: string;
  /** What was written so far, as overlayfs keeps it. */
  readonly upper: string;
}

/**
 * Opens a root in `folder`, which is emptied first (a killed process may have left mounts there) and removed at the end.
 * @throws E_LAYER_MOUNT when the kernel has no EROFS or overlay, or does not let this process mount
 */
export function openLayerRoot(image: ObjectId, store: Store, folder: string): LayerRoot {
  clearLayerRoot(folder);
  const at = (name: string): string => join(folder, name);
  for (const name of ["image", "upper", "work", "root"]) mkdirSync(at(name), { recursive: true, mode: 0o755 });
  try {
    mountFileSystem({ source: store.pathOf(image), target: at("image"), type: "erofs", readonly: true });
    const verity = store.verity === "require" ? ",verity=require" : "";
    const lower = `lowerdir=${at("image")}::${join(store.root, "objects")}`;
    const data = `metacopy=on,redirect_dir=on${verity},${lower},upperdir=${at("upper")},workdir=${at("work")}`;
    mountFileSystem({ source: "ashlar-layers", target: at("root"), type: "overlay", data });
  } catch (cause) {
    clearLayerRoot(folder);
    throw new AshlarError<LayerRootErrorCode>("E_LAYER_MOUNT", `${folder}: the base image cannot be mounted: ${messageOf(cause)}`, {
      cause,
      hint: "layers need root, and a kernel with EROFS and overlayfs (6.12 or later)",
      details: { folder },
    });
  }
  return { path: at("root"), upper: at("upper"), [Symbol.dispose]: () => clearLayerRoot(folder) };
}

function clearLayerRoot(folder: string): void {
  for (const name of ["root", "image"]) unmountIfMounted(join(folder, name));
  rmSync(folder, { recursive: true, force: true });
}

function unmountIfMounted(path: string): void {
  try {
    // Several, after several kills.
    for (;;) unmount(path);
  } catch (error) {
    if (!hasErrno(error, "EINVAL") && !hasErrno(error, "ENOENT")) throw error;
  }
}
