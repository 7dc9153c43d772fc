/**
 * A strict tar reader in memory: ustar, GNU long names, PAX. An archive that two readers could understand differently,
 * or that reaches outside itself, is refused as a whole.
 */
import type { ByteString } from "#formats/bytes.ts";
import { BLOCK, tarError } from "./entry.ts";
import type { TarEntry } from "./entry.ts";
import { readTarHeader } from "./header.ts";
import type { TarHeader } from "./header.ts";
import { createPathLedger, normalisePath } from "./path.ts";
import { readPax } from "./pax.ts";
import type { PaxAttributes } from "./pax.ts";

export interface TarLimits {
  /** Entries, headers of long names included. {@link TAR_ENTRIES_MAX} when absent: the largest Debian packages have 60,000. */
  readonly entries?: number;
  /** Device nodes and FIFOs are refused unless this is set. */
  readonly special?: boolean;
}

export const TAR_ENTRIES_MAX = 500_000;
/** Bytes of a PAX header or a GNU long name; more is hostile. */
export const EXTENSION_MAX = 1024 * 1024;
const NO_XATTRS: ReadonlyMap<ByteString, ByteString> = new Map();

/**
 * Reads all entries, in the archive's order. File contents are views of `bytes`.
 * @throws E_TAR_* naming the entry's number
 */
export function readTar(bytes: Buffer, limits: TarLimits = {}): TarEntry[] {
  const entries: TarEntry[] = [];
  const ledger = createPathLedger();
  let extension: Extension = {};
  let count = 0;
  let at = 0;
  for (;;) {
    const number = count + 1;
    if (at + BLOCK > bytes.length) throw tarError("E_TAR_TRUNCATED", number, "the archive ends without its end mark");
    const block = bytes.subarray(at, at + BLOCK);
    if (block[0] === 0 && isZero(block)) break;
    if (++count > (limits.entries ?? TAR_ENTRIES_MAX))
      throw tarError("E_TAR_LIMIT", number, `more than ${limits.entries ?? TAR_ENTRIES_MAX} entries`);
    const header = readTarHeader(block, number);
    const begin = at + BLOCK;
    if (begin + header.size > bytes.length)
      throw tarError("E_TAR_TRUNCATED", number, `${header.size} bytes of content announced, ${bytes.length - begin} are there`);
    const content = bytes.subarray(begin, begin + header.size);
    at = begin + Math.ceil(header.size / BLOCK) * BLOCK;
    const next = readExtension(extension, header, { content, number });
    if (next !== undefined) {
      extension = next;
      continue;
    }
    const entry = makeEntry(header, extension, { content, number });
    extension = {};
    refuseSpecial(entry, limits, number);
    ledger.admit(entry, number);
    entries.push(entry);
  }
  if (extension.pax ?? extension.name ?? extension.linkName)
    throw tarError("E_TAR_SYNTAX", count, "a long name or PAX header belongs to no entry");
  if (!isZero(bytes.subarray(at))) throw tarError("E_TAR_SYNTAX", count, "something follows the end mark");
  return entries;
}

export interface Extension {
  readonly pax?: PaxAttributes;
  readonly name?: ByteString;
  readonly linkName?: ByteString;
}

interface EntryBody {
  readonly content: Buffer;
  readonly number: number;
}

/** @throws E_TAR_SPECIAL */
export function refuseSpecial(entry: TarEntry, limits: TarLimits, number: number): void {
  if (limits.special !== true && (entry.type === "fifo" || entry.type === "character" || entry.type === "block"))
    throw tarError("E_TAR_SPECIAL", number, `${entry.path} is a ${entry.type} node`);
}

/** What an L, K, x or g entry adds to the one that follows; undefined for an ordinary entry. */
export function readExtension(known: Extension, header: TarHeader, { content, number }: EntryBody): Extension | undefined {
  if (!"LKxg".includes(header.typeFlag)) return undefined;
  if (header.typeFlag === "g") throw tarError("E_TAR_PAX", number, "global PAX headers are not supported");
  if (content.length > EXTENSION_MAX) throw tarError("E_TAR_LIMIT", number, `a header of ${content.length} bytes`);
  if (header.typeFlag === "x") {
    if (known.pax ?? known.name ?? known.linkName) throw tarError("E_TAR_PAX", number, "two extended headers for one entry");
    return { pax: readPax(content, number) };
  }
  const field = header.typeFlag === "L" ? "name" : "linkName";
  if (known.pax ?? known[field]) throw tarError("E_TAR_PAX", number, "two extended headers for one entry");
  const end = content.indexOf(0);
  return { ...known, [field]: content.toString("latin1", 0, end < 0 ? content.length : end) };
}

/** The entry of a header and what came before it. @throws E_TAR_PAX, E_TAR_PATH, E_TAR_SYNTAX */
export function makeEntry(header: TarHeader, { pax, name, linkName }: Extension, { content, number }: EntryBody): TarEntry {
  if (pax?.size !== undefined && pax.size !== header.size)
    throw tarError("E_TAR_PAX", number, `the size is ${header.size} in the header, ${pax.size} in its PAX header`);
  const target = pax?.linkPath ?? linkName ?? header.linkName;
  const attributes = {
    path: normalisePath(pax?.path ?? name ?? header.name, number),
    mode: header.mode & 0o7777,
    uid: pax?.uid ?? header.uid,
    gid: pax?.gid ?? header.gid,
    mtime: pax?.mtime ?? header.mtime,
    xattrs: pax?.xattrs ?? NO_XATTRS,
  };
  const withoutContent = (): typeof attributes => {
    if (header.size !== 0) throw tarError("E_TAR_SYNTAX", number, `${attributes.path} is no file but has ${header.size} bytes`);
    return attributes;
  };
  switch (header.typeFlag) {
    case "0":
    case "\0":
      return { ...attributes, type: "file", content };
    case "1":
      return { ...withoutContent(), type: "hardlink", target: normalisePath(target, number) };
    case "2":
      if (target === "" || target.includes("\0")) throw tarError("E_TAR_PATH", number, `${attributes.path} is a link to nothing`);
      return { ...withoutContent(), type: "symlink", target };
    case "3":
    case "4":
      return { ...withoutContent(), type: header.typeFlag === "3" ? "character" : "block", major: header.major, minor: header.minor };
    case "5":
      return { ...withoutContent(), type: "directory" };
    case "6":
      return { ...withoutContent(), type: "fifo" };
    default:
      throw tarError("E_TAR_SYNTAX", number, `${attributes.path} has the unknown type ${JSON.stringify(header.typeFlag)}`);
  }
}

export function isZero(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.compare(bytes, 0, bytes.length - 1, 1) === 0);
}
