/** UEFI firmware: the code is shared, the variables are a copy of each machine. */
import { constants, copyFileSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import type { VmErrorCode } from "./errors.ts";

/** Debian's package ovmf; below the root of the tools. */
export const FIRMWARE_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const FIRMWARE_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/** Gives a machine fresh variables at `path`. @throws E_VM_FIRMWARE */
export function copyFirmwareVariables(toolsRoot: string, path: string): void {
  const from = join(toolsRoot, FIRMWARE_VARIABLES);
  try {
    copyFileSync(from, path, constants.COPYFILE_EXCL);
  } catch (cause) {
    throw new AshlarError<VmErrorCode>("E_VM_FIRMWARE", `cannot copy the firmware's variables from ${from}`, {
      cause,
      hint: "remove the folder of the tools, which are then unpacked again",
    });
  }
}
