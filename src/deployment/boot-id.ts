/** Which start of a machine this is. `man 4 random`: boot_id is made once for each start of the kernel. */
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import { textIfThere } from "#sys/if-there.ts";

/** Empty where there is no kernel to ask, as in a folder. */
export function bootIdOf(machine: Machine): string {
  return (textIfThere(join(machine.root, "proc/sys/kernel/random/boot_id")) ?? "").trim();
}
