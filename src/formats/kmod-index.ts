/**
 * The binary index that libkmod searches (modules.dep.bin, modules.alias.bin): a trie, written leaves first.
 * Layout from kmod's libkmod-index.c, all numbers big-endian:
 *
 *   file   = magic 0xB007F457, version 0x00020001, offset of the root
 *   node   = [prefix NUL] [first, last, offset of each child first…last] [count, (priority, value NUL)…]
 *   offset = 28 bits, and 4 bits that say which of the three parts the node has
 */
import { compareBytes, toBuffer } from "./bytes.ts";
import type { ByteString } from "./bytes.ts";

export interface KmodIndexEntry {
  readonly key: ByteString;
  readonly value: ByteString;
}

const MAGIC = 0xb007f457;
const VERSION = 0x0002_0001;
const HAS_PREFIX = 0x8000_0000;
const HAS_VALUES = 0x4000_0000;
const HAS_CHILDREN = 0x2000_0000;

/** Writes an index. A key may have several values; their order in `entries` is their priority. Keys are ASCII. */
export function writeKmodIndex(entries: readonly KmodIndexEntry[]): Buffer {
  const ranked = entries.map((entry, priority) => ({ ...entry, priority }));
  ranked.sort((a, b) => compareBytes(a.key, b.key) || a.priority - b.priority);
  const parts: Buffer[] = [Buffer.alloc(12)];
  let size = 12;
  const emit = (bytes: Buffer): number => {
    parts.push(bytes);
    size += bytes.length;
    return size - bytes.length;
  };
  const root = writeNode(ranked, 0, emit);
  const header = parts[0] as Buffer;
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(VERSION, 4);
  header.writeUInt32BE(root, 8);
  return Buffer.concat(parts);
}

interface Ranked extends KmodIndexEntry {
  readonly priority: number;
}

/** Writes the node of all entries, which share their first `depth` characters. @returns its offset with its flags */
function writeNode(entries: readonly Ranked[], depth: number, emit: (bytes: Buffer) => number): number {
  const from = entries[0]?.key ?? "";
  const end = sharedLength(from, entries.at(-1)?.key ?? "");
  const prefix = from.slice(depth, end);
  const values = entries.filter((entry) => entry.key.length === end);
  const children = Map.groupBy(
    entries.filter((entry) => entry.key.length > end),
    (entry) => entry.key.charCodeAt(end),
  );
  const parts: Buffer[] = [];
  let flags = 0;
  if (prefix !== "") {
    flags |= HAS_PREFIX;
    parts.push(toBuffer(`${prefix}\0`));
  }
  if (children.size > 0) {
    flags |= HAS_CHILDREN;
    const first = Math.min(...children.keys());
    const last = Math.max(...children.keys());
    const table = Buffer.alloc(2 + 4 * (last - first + 1));
    table.writeUInt8(first, 0);
    table.writeUInt8(last, 1);
    for (const [character, group] of children) table.writeUInt32BE(writeNode(group, end + 1, emit), 2 + 4 * (character - first));
    parts.push(table);
  }
  if (values.length > 0) {
    flags |= HAS_VALUES;
    parts.push(uint32(values.length), ...values.flatMap(({ priority, value }) => [uint32(priority), toBuffer(`${value}\0`)]));
  }
  return (emit(Buffer.concat(parts)) | flags) >>> 0;
}

/** In a sorted list, what the first and the last have in common, all have. */
function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
