/** A deterministic tar writer: ustar, with a PAX header only where ustar cannot say it. The same entries give the same bytes. */
import { compareBytes, toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { BLOCK } from "./entry.ts";
import type { TarEntry } from "./entry.ts";

const TYPE_FLAG = { file: "0", hardlink: "1", symlink: "2", character: "3", block: "4", directory: "5", fifo: "6" } as const;

/** Writes entries in the given order; paths get dpkg's "./" in front and directories a slash behind. */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const content = entry.type === "file" ? entry.content : Buffer.alloc(0);
    parts.push(tarHead(entry, content.length), padded(content));
  }
  parts.push(TAR_END);
  return Buffer.concat(parts);
}

/** What ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/**
 * Everything of an entry but its content, for archives that are written as they come; `entry.content` is not looked at.
 * The content follows, filled up with zeros to whole blocks of 512 bytes.
 * @param size of the content, in bytes
 */
export function tarHead(entry: TarEntry, size: number): Buffer {
  const name = `.${entry.path}${entry.type === "directory" && entry.path !== "/" ? "/" : ""}`;
  const target = entry.type === "hardlink" ? `.${entry.target}` : entry.type === "symlink" ? entry.target : "";
  const pax = paxRecords(entry, name, target);
  const parts =
    pax.length === 0 ? [] : [header({ name: "./PaxHeaders", target: "", typeFlag: "x", size: pax.length, mode: 0o644 }), padded(pax)];
  return Buffer.concat([...parts, header({ ...entry, name, target, typeFlag: TYPE_FLAG[entry.type], size })]);
}

function paxRecords(entry: TarEntry, name: ByteString, target: ByteString): Buffer {
  const records: ByteString[] = [];
  if (name.length > 100) records.push(record("path", name));
  if (target.length > 100) records.push(record("linkpath", target));
  for (const [key, value] of [...entry.xattrs].sort(([a], [b]) => compareBytes(a, b))) records.push(record(`SCHILY.xattr.${key}`, value));
  return toBuffer(records.join(""));
}

/** The length counts its own digits. */
function record(key: string, value: ByteString): ByteString {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

interface HeaderFields {
  readonly name: ByteString;
  readonly target: ByteString;
  readonly typeFlag: string;
  readonly size: number;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
}

function header(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    const digits = value.toString(8).padStart(length - 1, "0");
    if (digits.length > length - 1) throw new RangeError(`${value} does not fit into a tar header (${fields.name})`);
    block.write(digits, at, "latin1");
  };
  block.write(fields.name.slice(0, 100), 0, "latin1");
  octal(fields.mode, 100, 8);
  octal(fields.uid ?? 0, 108, 8);
  octal(fields.gid ?? 0, 116, 8);
  octal(fields.size, 124, 12);
  octal(fields.mtime ?? 0, 136, 12);
  block.write(" ".repeat(8), 148, "latin1");
  block.write(fields.typeFlag, 156, "latin1");
  block.write(fields.target.slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(fields.major ?? 0, 329, 8);
  octal(fields.minor ?? 0, 337, 8);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function padded(content: Buffer): Buffer {
  const rest = content.length % BLOCK;
  return rest === 0 ? content : Buffer.concat([content, Buffer.alloc(BLOCK - rest)]);
}
