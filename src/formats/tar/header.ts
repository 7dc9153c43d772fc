/**
 * One 512-byte header block: ustar (POSIX.1-1988) and GNU.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
import type { ByteString } from "#formats/bytes.ts";
import { BLOCK, tarError } from "./entry.ts";

export interface TarHeader {
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/** Reads the header of entry number `entry` from a block. @throws E_TAR_SYNTAX */
export function readTarHeader(block: Buffer, entry: number): TarHeader {
  const sum = number(block, 148, 8, entry);
  let actual = 0;
  for (let at = 0; at < BLOCK; at++) actual += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  if (sum !== actual) throw tarError("E_TAR_SYNTAX", entry, `the header's checksum is ${sum}, its content sums to ${actual}`);
  const magic = block.toString("latin1", 257, 265);
  if (magic !== "ustar\x0000" && magic !== "ustar  \0") throw tarError("E_TAR_SYNTAX", entry, "neither a ustar nor a GNU header");
  const prefix = magic === "ustar\x0000" ? string(block, 345, 155) : "";
  const name = string(block, 0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: string(block, 157, 100),
    typeFlag: String.fromCharCode(block[156] ?? 0),
    mode: number(block, 100, 8, entry),
    uid: number(block, 108, 8, entry),
    gid: number(block, 116, 8, entry),
    size: number(block, 124, 12, entry),
    mtime: number(block, 136, 12, entry),
    major: number(block, 329, 8, entry),
    minor: number(block, 337, 8, entry),
  };
}

function string(block: Buffer, at: number, length: number): ByteString {
  const end = block.indexOf(0, at);
  return block.toString("latin1", at, end < 0 || end > at + length ? at + length : end);
}

/** Octal digits ended by blank or NUL, or GNU's base-256 with the top bit set. */
function number(block: Buffer, at: number, length: number, entry: number): number {
  if ((block[at] ?? 0) & 0x80) {
    let value = BigInt((block[at] ?? 0) & 0x7f);
    for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[at + i] ?? 0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw tarError("E_TAR_SYNTAX", entry, `a number at byte ${at} of the header is too large`);
    return Number(value);
  }
  const digits = string(block, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw tarError("E_TAR_SYNTAX", entry, `"${digits}" at byte ${at} of the header is not an octal number`);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}
