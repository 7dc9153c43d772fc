/** What an entry must be for an image to hold it. */
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import { DUMP_INLINE_MAX } from "#formats/composefs/dump-entry.ts";
import { S_IFLNK, S_IFMT, S_IFREG, hasFileType } from "#formats/file-mode.ts";
import { inputError } from "./errors.ts";
import { EXTERNAL_SIZE_MAX, LINK_TARGET_MAX, PATH_LENGTH_MAX, XATTR_NAME_MAX, XATTR_VALUE_MAX } from "./format.ts";

/** @throws E_EROFS_INPUT when the image format, or the kernel that reads it, cannot represent the entry */
export function checkEntry(entry: DumpInode): void {
  if (!hasFileType(entry.mode) || entry.mode > 0xffff) throw inputError(entry.path, `not a mode: ${entry.mode.toString(8)}`);
  if (entry.path.length > PATH_LENGTH_MAX) throw inputError(`${entry.path.slice(0, 80)}…`, `a path of ${entry.path.length} bytes`);
  const type = entry.mode & S_IFMT;
  if (type === S_IFREG) checkFile(entry);
  if (type === S_IFLNK) checkLink(entry);
  if (entry.xattrs.size > 0) checkXattrs(entry);
}

function checkFile({ path, size, content, digest, payload }: DumpInode): void {
  if (content !== undefined && content.length !== size) throw inputError(path, `${content.length} bytes of content, size ${size}`);
  if (content !== undefined && size > DUMP_INLINE_MAX) throw inputError(path, `more than ${DUMP_INLINE_MAX} bytes of inline content`);
  if (!(size >= 0 && size <= EXTERNAL_SIZE_MAX)) throw inputError(path, `a size of ${size} bytes; the most is ${EXTERNAL_SIZE_MAX}`);
  if (digest !== undefined && digest.length !== 64) throw inputError(path, `not a digest: ${digest}`);
  if (payload !== undefined && payload.length > LINK_TARGET_MAX) throw inputError(path, "the path of its object is too long");
}

function checkLink({ path, payload }: DumpInode): void {
  if (payload === undefined || payload === "") throw inputError(path, "a symbolic link without a target");
  if (payload.length > LINK_TARGET_MAX || payload.includes("\0")) throw inputError(path, "a link target the kernel would refuse");
}

function checkXattrs({ path, xattrs }: DumpInode): void {
  for (const [name, value] of xattrs) {
    if (name === "" || name.length > XATTR_NAME_MAX || name.includes("\0")) throw inputError(path, `not a name of an attribute: ${name}`);
    if (value.length > XATTR_VALUE_MAX) throw inputError(path, `more than ${XATTR_VALUE_MAX} bytes in the attribute ${name}`);
  }
}
