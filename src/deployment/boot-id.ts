/** Which start of a machine this is. `man 4 random`: boot_id is made once for each start of the kernel. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import type { Machine } from "./machine.ts";

/** Empty where there is no kernel to ask, as in a folder. */
export function bootIdOf(machine: Machine): string {
  try {
    return readFileSync(join(machine.root, "proc/sys/kernel/random/boot_id"), "utf8").trim();
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return "";
    throw error;
  }
}
