/** Extended attributes: equal ones are one value in memory, and those with several users one entry in the image. */
import { compareBytes, toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { METACOPY, METACOPY_LENGTH, REDIRECT } from "#formats/composefs/overlay.ts";
import { xxh32 } from "#formats/xxh32.ts";
import { XATTR_ENTRY, XATTR_FILTER_SEED, XATTR_PREFIXES, roundUp } from "./format.ts";

/**
 * What the text of a value stands for: its bytes, the digest of a metacopy attribute ("" for none), or a path that
 * lacks its first slash. Digests and paths are kept as the entries have them: making bytes of each costs more than all else.
 */
export type ValueForm = "bytes" | "digest" | "path";

export interface XattrKey {
  readonly name: ByteString;
  /** Number of the prefix, and the name without it. */
  readonly prefix: number;
  readonly suffix: ByteString;
  /** The bit of the inode's name filter that this name clears. */
  readonly filterBit: number;
  readonly form: ValueForm;
  readonly values: Map<string, Xattr>;
  /** Place in the byte order of all names of an image, once known. */
  rank: number;
}

export interface Xattr {
  readonly key: XattrKey;
  readonly value: string;
  /** Bytes of the value on disk, and of the whole entry. */
  readonly length: number;
  readonly size: number;
  /** Inodes that have it. */
  users: number;
  /** Bytes from the start of the shared entries; -1 when not shared. */
  sharedOffset: number;
}

export type XattrTable = Map<ByteString, XattrKey>;

/** Gives the one value in `table` for a key and value, counting one user more. */
export function internXattr(table: XattrTable, name: ByteString, value: string): Xattr {
  let key = table.get(name);
  if (key === undefined) {
    key = createKey(name);
    table.set(name, key);
  }
  let xattr = key.values.get(value);
  if (xattr === undefined) {
    const length = lengthOf(key.form, value);
    xattr = { key, value, length, size: roundUp(XATTR_ENTRY + key.suffix.length + length, 4), users: 0, sharedOffset: -1 };
    key.values.set(value, xattr);
  }
  xattr.users++;
  return xattr;
}

/** Sets an attribute of one inode in place of an earlier one with the same name. */
export function setXattr(table: XattrTable, xattrs: Xattr[], name: ByteString, value: string): void {
  const xattr = internXattr(table, name, value);
  const index = xattrs.findIndex((existing) => existing.key === xattr.key);
  if (index === -1) xattrs.push(xattr);
  else {
    xattrs[index]!.users--;
    xattrs[index] = xattr;
  }
}

/** Ranks the names of a whole image, so that inodes can sort their attributes by number. */
export function rankKeys(table: XattrTable): void {
  const keys = [...table.values()].sort((a, b) => compareBytes(a.name, b.name));
  for (const [rank, key] of keys.entries()) key.rank = rank;
}

/** Places all attributes with several users; returns them in the order of the shared area: names, longer values, values, all descending. */
export function shareXattrs(table: XattrTable): Xattr[] {
  const shared: Xattr[] = [];
  let offset = 0;
  for (const key of [...table.values()].sort((a, b) => b.rank - a.rank)) {
    const values = [...key.values.values()].filter((xattr) => xattr.users > 1);
    // Text in any one form has the order of the bytes it stands for.
    values.sort((a, b) => b.length - a.length || compareBytes(b.value, a.value));
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
  const form = name === METACOPY ? "digest" : name === REDIRECT ? "path" : "bytes";
  return { name, prefix, suffix, filterBit, form, values: new Map(), rank: -1 };
}

function lengthOf(form: ValueForm, value: string): number {
  if (form === "digest") return value === "" ? 0 : METACOPY_LENGTH;
  return form === "path" ? value.length + 1 : value.length;
}
