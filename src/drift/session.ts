/** The record of an edit session: /run/ashlar/edit/session.json, as long as its overlay lies over /usr. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMountinfo, topmostMount } from "#formats/mountinfo.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { textIfThere } from "#sys/if-there.ts";

/** What the overlay is called in mountinfo; by this it is found. */
export const EDIT_SOURCE = "ashlar-edit";

export interface SessionRecord {
  /** Seconds since 1970. */
  readonly since: number;
  /** Who started it. */
  readonly by: string;
  /** What was run; empty for a shell. */
  readonly command: readonly string[];
  /** Digest of the image that lies below. */
  readonly image: string;
}

/**
 * The session whose overlay is what /usr shows now.
 * @param root "/" on a machine
 */
export function openSession(root: string): SessionRecord | undefined {
  const mountinfo = readFileSync(join(root, "proc/self/mountinfo"), "utf8");
  if (topmostMount(parseMountinfo(mountinfo), "/usr")?.source !== EDIT_SOURCE) return undefined;
  return readSession(join(root, "run/ashlar/edit")) ?? { since: 0, by: "somebody", command: [], image: "" };
}

/** @param folder /run/ashlar/edit */
function readSession(folder: string): SessionRecord | undefined {
  const text = textIfThere(join(folder, "session.json"));
  return text === undefined ? undefined : (JSON.parse(text) as SessionRecord);
}

export function writeSession(folder: string, record: SessionRecord): void {
  writeFileAtomic(join(folder, "session.json"), `${JSON.stringify(record)}\n`);
}
