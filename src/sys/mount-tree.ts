/**
 * Mounts that are prepared aside and put into place in one step (`man 2 open_tree`, `move_mount`). Who opens a path meanwhile
 * sees the old mount or the new one, never neither.
 */
import { closeSync } from "node:fs";
import { checked, native } from "./libc.ts";

const open_tree = native("int open_tree(int dirfd, const char *path, unsigned int flags)");
const move_mount = native("int move_mount(int from, const char *fromPath, int to, const char *toPath, unsigned int flags)");
const mount = native("int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)");

/** `linux/fcntl.h`, `linux/mount.h` */
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const MOVE_MOUNT_BENEATH = 0x200;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x40000;

/** over: on top of what is seen; beneath: under the topmost mount, which is still what is seen (Linux 6.5). */
export type MountPlace = "over" | "beneath";

/**
 * Puts a copy of the mount at `source`, with all mounts in it, onto `target`.
 * @throws a system error: EINVAL when `place` is beneath and nothing is mounted at `target`, EPERM without root
 */
export function attachCopy(source: string, target: string, place: MountPlace): void {
  const tree = checked(open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE), "open_tree", source);
  try {
    const flags = MOVE_MOUNT_F_EMPTY_PATH | (place === "beneath" ? MOVE_MOUNT_BENEATH : 0);
    checked(move_mount(tree, "", AT_FDCWD, target, flags), "move_mount", target);
  } finally {
    closeSync(tree);
  }
}

/** Keeps later mounts in this tree from appearing elsewhere, and others from appearing in it (`man 7 mount_namespaces`). */
export function makePrivate(target: string): void {
  checked(mount("none", target, null, MS_REC | MS_PRIVATE, null), "mount", target);
}
