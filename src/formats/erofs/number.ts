/** Numbering: the order of inodes in the image, and what can be said of them only when all are known. */
import { inputError } from "./errors.ts";
import { XATTR_HEADER, XATTR_INODE_MAX } from "./format.ts";
import type { Inode } from "./inode.ts";

/** Each attribute costs this much more than its name and value when its inode's limit is checked. */
const XATTR_OVERHEAD = 7;

/**
 * Numbers inodes breadth first from the root, counts the links of directories and sorts attributes by the rank of their names.
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
    for (const child of inode.children) {
      if (!child.primary) continue;
      child.inode.number = inodes.length;
      inodes.push(child.inode);
      if (child.inode.children !== undefined) inode.nlink++;
    }
  }
  return inodes;
}

function arrangeXattrs({ entry, xattrs }: Inode): void {
  let size = XATTR_HEADER;
  let last = -1;
  let sorted = true;
  for (const { key, length } of xattrs) {
    size += XATTR_OVERHEAD + key.name.length + length;
    sorted &&= key.rank > last;
    last = key.rank;
  }
  if (size > XATTR_INODE_MAX) throw inputError(entry.path, `${size} bytes of attributes on one file; the most is ${XATTR_INODE_MAX}`);
  if (!sorted) xattrs.sort((a, b) => a.key.rank - b.key.rank);
}
