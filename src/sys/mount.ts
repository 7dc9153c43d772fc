/** Mounting and unmounting (`man 2 mount`, `umount2`), for the few mounts that Ashlar makes while it works. */
import { checked, native } from "./libc.ts";

const mount = native("int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)");
const umount2 = native("int umount2(const char *target, int flags)");

/** `sys/mount.h` */
const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MNT_DETACH = 2;

export interface MountRequest {
  /** What file systems without a device show in the list of mounts; for EROFS a regular file. */
  readonly source: string;
  /** An existing folder. */
  readonly target: string;
  readonly type: string;
  /** Options of the file system, "lowerdir=…,upperdir=…". */
  readonly data?: string;
  readonly readonly?: boolean;
  /** Its programs may get the rights of their owner (set-user-ID); for a tree that is verified as a whole. */
  readonly setuid?: boolean;
}

/** Mounts a file system without device nodes in it. @throws a system error: ENODEV (unknown type), EPERM, EINVAL (the kernel cannot) */
export function mountFileSystem({ source, target, type, data, readonly, setuid }: MountRequest): void {
  const flags = MS_NODEV | (readonly === true ? MS_RDONLY : 0) | (readonly === true && setuid !== true ? MS_NOSUID : 0);
  checked(mount(source, target, type, flags, data ?? ""), "mount", target);
}

/** Takes a mount away, at once for everybody who looks; what is in use lives on until it is not. @throws EINVAL when nothing is mounted there */
export function unmount(target: string): void {
  checked(umount2(target, MNT_DETACH), "umount2", target);
}
