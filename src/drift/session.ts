/** The record of an edit session: /run/ashlar/edit/session.json, as long as its overlay lies over /usr. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";

export interface SessionRecord {
  /** Seconds since 1970. */
  readonly since: number;
  /** Who started it. */
  readonly by: string;
  /** What was run; empty for a shell. */
  readonly command: readonly string[];
}

/** @param folder /run/ashlar/edit */
export function readSession(folder: string): SessionRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "session.json"), "utf8")) as SessionRecord;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

export function writeSession(folder: string, record: SessionRecord): void {
  writeFileAtomic(join(folder, "session.json"), `${JSON.stringify(record)}\n`);
}
