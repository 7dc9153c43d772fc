/** Extended attributes: equal ones are one value in memory, and those with several users one entry in the image. */
import { compareBytes, toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { xxh32 } from "#formats/xxh32.ts";
import { XATTR_ENTRY, XATTR_FILTER_SEED, XATTR_PREFIXES, roundUp } from "./format.ts";

export interface XattrKey {
  readonly name: ByteString;
  /** Number of the prefix, and the name without it. */
  readonly prefix: number;
  readonly suffix: ByteString;
  /** The bit of the inode's name filter that this name clears. */
  readonly filterBit: number;
  readonly values: Map<ByteString, Xattr>;
}

export interface Xattr {
  readonly key: XattrKey;
  readonly value: ByteString;
  /** Bytes of the entry on disk. */
  readonly size: number;
  /** Inodes that have it. */
  users: number;
  /** Bytes from the start of the shared entries; -1 when not shared. */
  sharedOffset: number;
}

export type XattrTable = Map<ByteString, XattrKey>;

/** Gives the one value in `table` for a key and value, counting one user more. */
export function internXattr(table: XattrTable, name: ByteString, value: ByteString): Xattr {
  let key = table.get(name);
  if (key === undefined) {
    key = createKey(name);
    table.set(name, key);
  }
  let xattr = key.values.get(value);
  if (xattr === undefined) {
    const size = roundUp(XATTR_ENTRY + key.suffix.length + value.length, 4);
    xattr = { key, value, size, users: 0, sharedOffset: -1 };
    key.values.set(value, xattr);
  }
  xattr.users++;
  return xattr;
}

/** Sets an attribute of one inode in place of an earlier one with the same name. */
export function setXattr(table: XattrTable, xattrs: Xattr[], name: ByteString, value: ByteString): void {
  const xattr = internXattr(table, name, value);
  const index = xattrs.findIndex((existing) => existing.key === xattr.key);
  if (index === -1) xattrs.push(xattr);
  else {
    xattrs[index]!.users--;
    xattrs[index] = xattr;
  }
}

/** Places all attributes with several users; returns them in the order of the shared area: names, longer values, values, all descending. */
export function shareXattrs(table: XattrTable): Xattr[] {
  const shared: Xattr[] = [];
  let offset = 0;
  for (const key of [...table.values()].sort((a, b) => compareBytes(b.name, a.name))) {
    const values = [...key.values.values()].filter((xattr) => xattr.users > 1);
    values.sort((a, b) => b.value.length - a.value.length || compareBytes(b.value, a.value));
    for (const xattr of values) {
      xattr.sharedOffset = offset;
      offset += xattr.size;
      shared.push(xattr);
    }
  }
  return shared;
}

function createKey(name: ByteString): XattrKey {
  const found = XATTR_PREFIXES.find(([, prefix]) => name.startsWith(prefix));
  const [prefix, suffix] = found === undefined ? [0, name] : [found[0], name.slice(found[1].length)];
  const filterBit = (1 << (xxh32(toBuffer(suffix), XATTR_FILTER_SEED + prefix) & 31)) >>> 0;
  return { name, prefix, suffix, filterBit, values: new Map() };
}
