/** Whether a guest lives under KVM, found out by booting it. */
import { setTimeout as delay } from "node:timers/promises";
import { AshlarError } from "#errors";
import type { VmErrorCode } from "./errors.ts";
import { launch } from "./launch.ts";
import type { LaunchOptions } from "./launch.ts";

/** How long a guest has to live to be trusted: firmware, boot menu and the kernel's first steps. */
const PROBE_MS = 20_000;
const ALIVE = /systemd\[1\]|Welcome to|Reached target|login:|Run \/init/;

/**
 * Boots the machine under KVM with all its drives ephemeral.
 * @returns what QEMU said when KVM killed it, or undefined when it lived
 * @throws E_VM_START when the machine cannot start for another reason
 */
export async function probeKvm(options: Omit<LaunchOptions, "accelerator" | "onComplaint">): Promise<string | undefined> {
  const died = Promise.withResolvers<string>();
  let complaint: string | undefined;
  const onComplaint = (line: string): void => {
    if (complaint !== undefined || !isAboutKvm(line)) return;
    complaint = line.trim();
    died.resolve(complaint);
  };
  const drives = options.drives.map((drive) => ({ ...drive, ephemeral: true }));
  try {
    const machine = await launch({ ...options, accelerator: "kvm", drives, forwards: [], serial: "pipe", onComplaint });
    const ended = machine.exited.then((code) => complaint ?? (code === 0 ? undefined : `QEMU ended with exit code ${code}`));
    const lived = machine.console?.waitFor(ALIVE, PROBE_MS).then(
      () => undefined,
      (error: unknown) => (isCode(error, "E_VM_CONSOLE_CLOSED") ? ended : undefined),
    );
    try {
      return await Promise.race([died.promise, ended, lived, delay(PROBE_MS, undefined, { ref: false })]);
    } finally {
      await machine.stop();
    }
  } catch (error) {
    if (isCode(error, "E_VM_START") && complaint !== undefined) return complaint;
    throw error;
  }
}

/** Whether QEMU complains of a KVM that is there but no use; other complaints are about the machine. */
export function isAboutKvm(line: string): boolean {
  return /kvm|failed to [gs]et MSR/i.test(line);
}

function isCode(error: unknown, code: VmErrorCode): boolean {
  return error instanceof AshlarError && error.code === code;
}
