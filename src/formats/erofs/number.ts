/** Numbering: the order of inodes in the image, and what can be said of them only when all are known. */
import { compareBytes } from "#formats/bytes.ts";
import { inputError } from "./errors.ts";
import { XATTR_HEADER, XATTR_INODE_MAX } from "./format.ts";
import type { Inode } from "./inode.ts";

/** Each attribute costs this much more than its name and value when its inode's limit is checked. */
const XATTR_OVERHEAD = 7;

/**
 * Numbers inodes breadth first from the root, counts the links of directories and sorts attributes by name.
 * @throws E_EROFS_INPUT when an inode has more attributes than one may have
 */
export function numberInodes(root: Inode): Inode[] {
  root.number = 0;
  const inodes = [root];
  // The list grows while it is walked: it is the queue of the breadth-first order.
  for (let index = 0; index < inodes.length; index++) {
    const inode = inodes[index]!;
    if (inode.xattrs.length > 0) arrangeXattrs(inode);
    if (inode.children === undefined) continue;
    inode.nlink = 2;
    for (const { inode: child, primary } of inode.children) {
      if (!primary) continue;
      child.number = inodes.length;
      inodes.push(child);
      if (child.children !== undefined) inode.nlink++;
    }
  }
  return inodes;
}

function arrangeXattrs({ path, xattrs }: Inode): void {
  if (xattrs.length > 1) xattrs.sort((a, b) => compareBytes(a.key.name, b.key.name));
  let size = XATTR_HEADER;
  for (const { key, value } of xattrs) size += XATTR_OVERHEAD + key.name.length + value.length;
  if (size > XATTR_INODE_MAX) throw inputError(path, `${size} bytes of attributes on one file; the most is ${XATTR_INODE_MAX}`);
}
