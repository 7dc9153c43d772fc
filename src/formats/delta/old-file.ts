import { readSync } from "node:fs";
import { DeltaError } from "./errors.ts";
import type { OldFile } from "./patch.ts";

/** What patches read, in memory: parts of a file that follow each other. */
export function fileOf(parts: readonly Buffer[]): OldFile {
  const starts: number[] = [];
  const size = parts.reduce((sum, { length }) => (starts.push(sum), sum + length), 0);
  return {
    size,
    read: (place, into) => {
      for (const [at, part] of parts.entries()) {
        const start = starts[at]!;
        if (place + into.length <= start || place >= start + part.length) continue;
        part.copy(into, Math.max(0, start - place), Math.max(0, place - start), Math.min(part.length, place + into.length - start));
      }
    },
  };
}

/** What patches read, in a file that is open. It throws DeltaError where the file ends. */
export function openFile(fd: number, size: number): OldFile {
  return {
    size,
    read: (place, into) => {
      for (let at = 0; at < into.length;) {
        const count = readSync(fd, into, at, into.length - at, place + at);
        if (count === 0) throw new DeltaError("a file is shorter than it was");
        at += count;
      }
    },
  };
}
