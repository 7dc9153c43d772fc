/** Files that many parts share, line by line: each line belongs to one of them. */
import { compareBytes } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";

export interface LineFile {
  readonly path: ByteString;
  /** What stands for a line in the order of the file; lines without one are this generation's, and come first. */
  readonly key: (line: ByteString) => string | undefined;
  /** Whether the line comes from the older generation. */
  readonly older: (line: ByteString) => boolean;
  /** Where a line ends, a newline unless said otherwise. */
  readonly separator?: string;
  /** Lines to a record; 1 unless said otherwise. */
  readonly size?: number;
}

/**
 * The composed text; undefined when no line is left, which means no file.
 * @param newer and `older`: the texts, undefined where there is no such file
 */
export function mergeLines(file: LineFile, newer: ByteString | undefined, older: ByteString | undefined): ByteString | undefined {
  const separator = file.separator ?? "\n";
  const lines = (text: ByteString | undefined): ByteString[] =>
    records(
      (text ?? "").split(separator).filter((line) => line !== ""),
      file.size ?? 1,
    );
  const mine = lines(newer).filter((line) => file.key(line) === undefined || !file.older(line));
  const theirs = lines(older).filter((line) => file.key(line) !== undefined && file.older(line));
  // A file without a changed line keeps its order and its bytes.
  if (theirs.length === 0 && mine.length === lines(newer).length) return newer;
  const merged = [...mine, ...theirs];
  if (merged.length === 0) return older === "" ? "" : undefined;
  const head = merged.filter((line) => file.key(line) === undefined);
  const body = merged.filter((line) => file.key(line) !== undefined).sort((a, b) => compareBytes(file.key(a) ?? "", file.key(b) ?? ""));
  return [...head, ...body].map((line) => line + separator).join("");
}

/** The lines of each record, joined by newlines. */
function records(lines: readonly ByteString[], size: number): ByteString[] {
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, at) => lines.slice(at * size, at * size + size).join("\n"));
}
