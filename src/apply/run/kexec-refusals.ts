/** Why this kernel starts no other one without the firmware. */
import { readFileSync } from "node:fs";
import { hasErrno } from "#errors";

/** @param root "/" */
export function kexecRefusals(root = "/"): string[] {
  const refusals: string[] = [];
  if (read(`${root}sys/kernel/kexec_loaded`) === undefined) refusals.push("this kernel has no kexec");
  if (read(`${root}proc/sys/kernel/kexec_load_disabled`)?.trim() === "1") refusals.push("kernel.kexec_load_disabled is set");
  // "none [integrity] confidentiality": the one in brackets is in force; kernel_lockdown(7).
  const lockdown = /\[(\w+)\]/.exec(read(`${root}sys/kernel/security/lockdown`) ?? "")?.[1] ?? "none";
  if (lockdown !== "none") refusals.push(`kernel lockdown is ${lockdown}`);
  return refusals;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EACCES")) return undefined;
    throw error;
  }
}
