/** Reading composefs dumps; see `dumpfile.ts` for the format. */
import { toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, hasFileType } from "#formats/file-mode.ts";
import { AshlarError } from "#errors";
import { DUMP_INLINE_MAX, NO_XATTRS } from "./dump-entry.ts";
import type { DumpEntry } from "./dump-entry.ts";
import { unescapeField } from "./escape.ts";

export type DumpErrorCode = "E_DUMP_SYNTAX";

const FIXED_FIELDS = 11;
// oxlint-disable-next-line no-control-regex
const NOT_ALLOWED = /[^\u0001-\u00ff]/;
const UINT32_MAX = 0xffffffff;

/**
 * Parses a dump, one character of `text` for each byte of the file.
 * Checks each line for itself; that parents exist and links lead somewhere is for the reader of the entries to check.
 * @throws E_DUMP_SYNTAX with the line number
 */
export function parseDumpfile(text: string): DumpEntry[] {
  const entries: DumpEntry[] = [];
  // Looking once at all of the text is much faster than at each line; lines are looked at only to find the bad one.
  const suspicious = NOT_ALLOWED.test(text);
  let from = 0;
  while (from < text.length) {
    let end = text.indexOf("\n", from);
    if (end === -1) end = text.length;
    const line = text.slice(from, end);
    try {
      if (suspicious && NOT_ALLOWED.test(line)) throw new LineError("a NUL byte or a character that is not a byte");
      entries.push(parseLine(line));
    } catch (cause) {
      if (!(cause instanceof LineError)) throw cause;
      throw new AshlarError<DumpErrorCode>("E_DUMP_SYNTAX", `line ${entries.length + 1} of the dump: ${cause.message}`, {
        hint: "make the dump again with `ashlar dump DIGEST`, or correct the line",
        details: { line: entries.length + 1 },
      });
    }
    from = end + 1;
  }
  return entries;
}

/** What is wrong with a line; gets its number where the lines are counted. */
class LineError extends Error {}

function parseLine(line: string): DumpEntry {
  const fields = line.split(" ");
  if (fields.length < FIXED_FIELDS) throw new LineError(`${fields.length} fields, ${FIXED_FIELDS} are needed`);
  const [path, size, mode, nlink, uid, gid, rdev, mtime, payload, content, digest] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const absolute = unescape(path);
  if (absolute === "") throw new LineError("an empty path");
  if (mode.startsWith("@")) {
    const target = optional(payload);
    if (target === undefined || target === "") throw new LineError("a hard link without a target");
    if ((parseMode(mode.slice(1)) & S_IFMT) === S_IFDIR) throw new LineError("a hard link to a directory");
    return { path: absolute, hardlink: target };
  }
  const modeBits = parseMode(mode);
  const type = modeBits & S_IFMT;
  const isFile = type === S_IFREG;
  const dot = mtime.indexOf(".");
  if (dot === -1) throw new LineError(`a modification time without nanoseconds: ${mtime}`);
  const bytes = isFile ? optional(content) : undefined;
  const declaredSize = parseNumber(size, Number.MAX_SAFE_INTEGER);
  if (bytes !== undefined && bytes.length !== declaredSize) throw new LineError(`${bytes.length} bytes of content in a file of ${size}`);
  if (bytes !== undefined && bytes.length > DUMP_INLINE_MAX) throw new LineError(`more than ${DUMP_INLINE_MAX} bytes of content`);
  const target = optional(payload);
  if (type === S_IFLNK && (target === undefined || target === "")) throw new LineError("a symbolic link without a target");
  if (isFile && digest !== "-" && !/^[0-9a-f]{64}$/.test(digest)) throw new LineError(`not a digest: ${digest}`);
  return {
    path: absolute,
    hardlink: undefined,
    mode: modeBits,
    size: isFile ? declaredSize : 0,
    nlink: parseNumber(nlink, UINT32_MAX),
    uid: parseNumber(uid, UINT32_MAX),
    gid: parseNumber(gid, UINT32_MAX),
    rdev: type === S_IFCHR || type === S_IFBLK ? parseNumber(rdev, UINT32_MAX) : 0,
    mtime: mtime.startsWith("-")
      ? 0 - parseNumber(mtime.slice(1, dot), Number.MAX_SAFE_INTEGER)
      : parseNumber(mtime.slice(0, dot), Number.MAX_SAFE_INTEGER),
    mtimeNsec: parseNumber(mtime.slice(dot + 1), 999_999_999),
    payload: isFile || type === S_IFLNK ? target : undefined,
    content: bytes === undefined ? undefined : toBuffer(bytes),
    digest: isFile && digest !== "-" ? digest : undefined,
    xattrs: parseXattrs(fields),
  };
}

function parseXattrs(fields: readonly string[]): ReadonlyMap<ByteString, ByteString> {
  if (fields.length === FIXED_FIELDS) return NO_XATTRS;
  const xattrs = new Map<ByteString, ByteString>();
  for (let index = FIXED_FIELDS; index < fields.length; index++) {
    const field = fields[index]!;
    const equals = field.indexOf("=");
    if (equals === -1) throw new LineError("an attribute without =");
    xattrs.set(unescape(field.slice(0, equals)), unescape(field.slice(equals + 1)));
  }
  return xattrs;
}

function parseMode(field: string): number {
  if (!/^[0-7]{1,6}$/.test(field)) throw new LineError(`not a mode: ${field}`);
  const mode = Number.parseInt(field, 8);
  if (!hasFileType(mode)) throw new LineError(`a mode without a file type: ${field}`);
  return mode;
}

function parseNumber(field: string, max: number): number {
  let value = 0;
  for (let index = 0; index < field.length; index++) {
    const digit = field.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) throw new LineError(`not a number: ${field}`);
    value = value * 10 + digit;
  }
  if (field === "" || value > max) throw new LineError(field === "" ? "an empty field" : `a number above ${max}: ${field}`);
  return value;
}

function optional(field: string): ByteString | undefined {
  return field === "-" ? undefined : unescape(field);
}

function unescape(field: string): ByteString {
  const text = unescapeField(field);
  if (text === undefined) throw new LineError(`a malformed escape in ${field.slice(0, 80)}`);
  return text;
}
