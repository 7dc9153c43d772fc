/** Beginnings of objects, written aside: what a killed process leaves is gone on with, until the machine starts anew. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ObjectId } from "./object.ts";

const PREFIX = "partial-";

/** Where the beginning of an object lies. Whoever writes there holds the lock of the file. */
export function partialPath(root: string, object: ObjectId): string {
  return join(root, "tmp", `${PREFIX}${bootId()}-${object}`);
}

/** Whether a name in `tmp/` is of such a file, and what was written to it is there: the machine has not gone down since. */
export function isPartial(name: string): boolean {
  return name.startsWith(`${PREFIX}${bootId()}-`);
}

let known: string | undefined;

/** Changes with each start of the machine (`man 4 random`), which no process outlives. */
export function bootId(): string {
  return (known ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
}
