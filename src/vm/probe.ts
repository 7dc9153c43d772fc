/** Whether a guest lives under KVM, found out by booting it. */
import { AshlarError } from "#errors";
import type { KvmVerdict } from "./accelerator.ts";
import type { VmErrorCode } from "./errors.ts";
import { launch } from "./launch.ts";
import type { LaunchOptions } from "./launch.ts";

/** Firmware, boot menu and the kernel's first steps take a few seconds; a busy host needs more. */
const PROBE_MS = 60_000;
/** A guest that says this has run its kernel and a program in it. */
const ALIVE = /systemd\[1\]|Welcome to|Reached target|login:|Run \/init/;
const SILENT: KvmVerdict = { guest: "silent", why: `its guest said nothing for ${PROBE_MS / 1000} s` };

/**
 * Boots the machine under KVM with all its drives ephemeral.
 * @throws E_VM_START when the machine cannot start for another reason
 */
export async function probeKvm(options: Omit<LaunchOptions, "accelerator" | "onComplaint">): Promise<KvmVerdict> {
  const complained = Promise.withResolvers<KvmVerdict>();
  let death: KvmVerdict | undefined;
  const onComplaint = (line: string): void => {
    if (death !== undefined || !isAboutKvm(line)) return;
    death = { guest: "died", why: line.trim() };
    complained.resolve(death);
  };
  const drives = options.drives.map((drive) => ({ ...drive, ephemeral: true }));
  try {
    const machine = await launch({ ...options, accelerator: "kvm", drives, forwards: [], serial: "pipe", onComplaint });
    const ended = machine.exited.then((code): KvmVerdict => death ?? { guest: "died", why: `QEMU ended with exit code ${code}` });
    const spoke = machine.console?.waitFor(ALIVE, PROBE_MS).then(
      (): KvmVerdict => ({ guest: "lived" }),
      (error: unknown) => (isCode(error, "E_VM_CONSOLE_CLOSED") ? ended : SILENT),
    );
    try {
      return await Promise.race([complained.promise, ended, spoke ?? SILENT]);
    } finally {
      await machine.stop();
    }
  } catch (error) {
    if (isCode(error, "E_VM_START") && death !== undefined) return death;
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
