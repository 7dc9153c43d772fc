/**
 * The composefs dump: one line of text for each name, and the same text for the same image.
 *
 *   PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT DIGEST [KEY=VALUE]…
 *
 * `-` stands for a field that is not set. A mode that starts with `@` is a hard link to PAYLOAD.
 * Specification: composefs-dump(5), https://github.com/containers/composefs/blob/main/man/composefs-dump.md
 */
import { compareBytes, fromBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { S_IFDIR, S_IFLNK, S_IFMT } from "#formats/file-mode.ts";
import type { DumpEntry, DumpInode } from "./dump-entry.ts";
import { escapeAttribute, escapeField } from "./escape.ts";

/** Renders entries in their order, which must have parents before children. The text is ASCII and ends with a newline. */
export function renderDumpfile(entries: Iterable<DumpEntry>): string {
  let text = "";
  for (const entry of entries) text += renderEntry(entry);
  return text;
}

function renderEntry(entry: DumpEntry): string {
  // Readers take only the payload of a hard link; the type must be one of a file all the same.
  if (entry.hardlink !== undefined) return `${escapeField(entry.path)} 0 @100000 0 0 0 0 0.0 ${escapeField(entry.hardlink)} - -\n`;
  const fixed = [
    escapeField(entry.path),
    sizeOf(entry),
    entry.mode.toString(8),
    entry.nlink,
    entry.uid,
    entry.gid,
    entry.rdev,
    `${entry.mtime}.${entry.mtimeNsec}`,
    optional(entry.payload),
    optional(entry.content === undefined || entry.content.length === 0 ? undefined : fromBuffer(entry.content)),
    optional(entry.digest),
  ].join(" ");
  if (entry.xattrs.size === 0) return `${fixed}\n`;
  const xattrs = [...entry.xattrs].sort(([a], [b]) => compareBytes(a, b));
  return `${fixed}${xattrs.map(([key, value]) => ` ${escapeAttribute(key)}=${escapeAttribute(value)}`).join("")}\n`;
}

function sizeOf(entry: DumpInode): number {
  const type = entry.mode & S_IFMT;
  if (type === S_IFLNK) return entry.payload?.length ?? 0;
  return type === S_IFDIR ? 0 : entry.size;
}

function optional(field: ByteString | undefined): string {
  return field === undefined ? "-" : escapeField(field);
}
