/** Reads the attributes of an inode. */
import { fromBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { NO_XATTRS } from "#formats/composefs/dump-entry.ts";
import { damaged } from "./errors.ts";
import { XATTR_ENTRY, XATTR_HEADER, XATTR_INODE_MAX, XATTR_NAME_MAX, XATTR_PREFIXES, XATTR_SHARED_MAX, roundUp } from "./format.ts";
import type { Image } from "./image.ts";

export interface RawXattr {
  readonly name: ByteString;
  readonly value: ByteString;
  /** Bytes on disk. */
  readonly size: number;
}

/** Shared attributes by their position: each is decoded once, however many inodes name it. */
export type XattrCache = Map<number, RawXattr>;

/** Bytes of an attribute area whose count field is `count`. */
export function xattrAreaSize(count: number): number {
  return count === 0 ? 0 : XATTR_HEADER + (count - 1) * 4;
}

/** Reads the area from `at` to `end`. @throws E_EROFS_DAMAGED */
export function readXattrs(image: Image, at: number, end: number, cache: XattrCache): ReadonlyMap<ByteString, ByteString> {
  if (at === end) return NO_XATTRS;
  const { view } = image;
  const shared = view.getUint8(at + 4);
  const ids = at + XATTR_HEADER;
  let position = ids + shared * 4;
  if (shared > XATTR_SHARED_MAX || position > end) throw damaged(at + 4, "more shared attributes than fit");
  const xattrs = new Map<ByteString, ByteString>();
  let total = 0;
  const add = (xattr: RawXattr, from: number): void => {
    if (xattrs.has(xattr.name)) throw damaged(from, "an attribute that is there twice");
    total += xattr.size;
    if (total > XATTR_INODE_MAX * 2) throw damaged(from, "more attributes than one inode may have");
    xattrs.set(xattr.name, xattr.value);
  };
  for (let id = ids; id < position; id += 4) add(sharedXattr(image, image.xattrBase + view.getUint32(id, true) * 4, cache), id);
  while (position < end) {
    const xattr = readXattr(image, position, end);
    add(xattr, position);
    position += xattr.size;
  }
  return xattrs;
}

function sharedXattr(image: Image, at: number, cache: XattrCache): RawXattr {
  let xattr = cache.get(at);
  if (xattr === undefined) {
    xattr = readXattr(image, at, image.view.byteLength);
    cache.set(at, xattr);
  }
  return xattr;
}

function readXattr({ view, bytes }: Image, at: number, end: number): RawXattr {
  if (at + XATTR_ENTRY > end) throw damaged(at, "an attribute that is cut");
  const nameLength = view.getUint8(at);
  const index = view.getUint8(at + 1);
  const prefix = index === 0 ? "" : XATTR_PREFIXES.find(([number]) => number === index)?.[1];
  if (prefix === undefined) throw damaged(at + 1, `an unknown attribute prefix ${index}`);
  const nameAt = at + XATTR_ENTRY;
  const valueAt = nameAt + nameLength;
  const valueEnd = valueAt + view.getUint16(at + 2, true);
  const size = roundUp(valueEnd - at, 4);
  if (at + size > end) throw damaged(at, "an attribute that is cut");
  const name = prefix + fromBuffer(bytes.subarray(nameAt, valueAt));
  if (name === "" || name.length > XATTR_NAME_MAX || name.includes("\0")) throw damaged(nameAt, "not a name of an attribute");
  return { name, value: fromBuffer(bytes.subarray(valueAt, valueEnd)), size };
}
