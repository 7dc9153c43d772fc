/** Extended attributes of a path, symbolic links not followed (`man 2 listxattr`, `getxattr`, `setxattr`, `removexattr`). */
import { fromBuffer, toBuffer, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { checked, errnoName, lastErrno, native } from "./libc.ts";

const llistxattr = native("long llistxattr(const void *path, void *list, size_t size)");
const lgetxattr = native("long lgetxattr(const void *path, const void *name, void *value, size_t size)");
const lremovexattr = native("int lremovexattr(const void *path, const void *name)");
const lsetxattr = native("int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)");

/** `XATTR_SIZE_MAX` and `XATTR_LIST_MAX` of linux/limits.h: no list and no value is larger. */
const XATTR_MAX = 65536;
let shared: Buffer | undefined;

/** Names of all extended attributes; none on file systems without them. */
export function listXattrs(path: ByteString): ByteString[] {
  const list = (shared ??= Buffer.allocUnsafeSlow(XATTR_MAX));
  const size = llistxattr(cString(path), list, list.length);
  if (size === 0 || (size < 0 && errnoName(lastErrno()) === "EOPNOTSUPP")) return [];
  checked(size, "llistxattr", toText(path));
  return fromBuffer(list.subarray(0, size - 1)).split("\0");
}

/** The value of one attribute, or undefined when the file has none of this name. */
export function getXattr(path: ByteString, name: ByteString): ByteString | undefined {
  const value = (shared ??= Buffer.allocUnsafeSlow(XATTR_MAX));
  const size = lgetxattr(cString(path), cString(name), value, value.length);
  if (size < 0 && ["ENODATA", "EOPNOTSUPP"].includes(errnoName(lastErrno()))) return undefined;
  checked(size, "lgetxattr", toText(path));
  return fromBuffer(value.subarray(0, size));
}

/** Sets or replaces one attribute. */
export function setXattr(path: ByteString, name: ByteString, value: ByteString): void {
  checked(lsetxattr(cString(path), cString(name), toBuffer(value), value.length, 0), "lsetxattr", toText(path));
}

/** Takes one attribute away. */
export function removeXattr(path: ByteString, name: ByteString): void {
  checked(lremovexattr(cString(path), cString(name)), "lremovexattr", toText(path));
}

function cString(bytes: ByteString): Buffer {
  return toBuffer(`${bytes}\0`);
}
