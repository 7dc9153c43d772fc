/**
 * KVM where it works, emulation elsewhere. That /dev/kvm opens does not prove that a guest kernel survives in it (nested
 * virtualisation that lacks instructions ends in "KVM internal error"), so a machine with unknown verdict boots once, without
 * writing to its disk, and the verdict is kept in the workspace for this host kernel and processor.
 */
import { hash } from "node:crypto";
import { accessSync, constants, mkdirSync, readFileSync } from "node:fs";
import { cpus, release, version } from "node:os";
import { join } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import type { Reporter } from "#report/reporter.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { Workspace } from "#workspace";
import type { Accelerator } from "./arguments.ts";
import type { VmErrorCode } from "./errors.ts";

export const KVM_DEVICE = "/dev/kvm";
/** Of the verdict's file. */
const VERSION = 2;

/** What became of a guest under KVM. One that was silent may only have been slow: that is not kept. */
export type KvmVerdict =
  | { readonly guest: "lived" }
  | { readonly guest: "died"; /** QEMU's last words. */ readonly why: string }
  | { readonly guest: "silent"; readonly why: string };

export interface AcceleratorChoice {
  /** What the user asked for; `auto` when absent. */
  readonly wanted: Accelerator | undefined;
  readonly workspace: Workspace;
  readonly report: Reporter;
  /** {@link KVM_DEVICE} by default. */
  readonly device?: string;
  /** Boots a copy of the machine under KVM. */
  readonly probe: () => Promise<KvmVerdict>;
}

/**
 * Decides, and says in one line why it is not KVM.
 * @throws E_VM_KVM when KVM was asked for and there is none
 */
export async function chooseAccelerator({
  wanted,
  workspace,
  report,
  probe,
  device = KVM_DEVICE,
}: AcceleratorChoice): Promise<Accelerator> {
  if (wanted === "tcg") return "tcg";
  const obstacle = kvmObstacle(device);
  if (wanted === "kvm") {
    if (obstacle === undefined) return "kvm";
    throw new AshlarError<VmErrorCode>("E_VM_KVM", `no KVM on this machine: ${obstacle}`, {
      hint: "leave the accelerator to Ashlar, or ask for tcg",
    });
  }
  const emulate = (why: string): Accelerator => {
    report.note("info", `no KVM (${why}): the processor is emulated, which is slow`);
    return "tcg";
  };
  if (obstacle !== undefined) return emulate(obstacle);
  const path = join(workspace.steps, `kvm-${hostIdentity()}.json`);
  const known = readVerdict(path);
  const verdict = known ?? (await report.step("try KVM", probe));
  if (known === undefined && verdict.guest !== "silent") {
    mkdirSync(workspace.steps, { recursive: true });
    writeFileAtomic(path, `${JSON.stringify({ version: VERSION, ...verdict })}\n`);
  }
  return verdict.guest === "lived" ? "kvm" : emulate(verdict.why);
}

function kvmObstacle(device: string): string | undefined {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return `there is no ${device}`;
    if (hasErrno(error, "EACCES")) return `${device} may not be opened`;
    throw error;
  }
}

function hostIdentity(): string {
  return hash("sha256", [release(), version(), cpus()[0]?.model ?? ""].join("\0")).slice(0, 16);
}

function readVerdict(path: string): KvmVerdict | undefined {
  try {
    const { version: written, guest, why } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    if (written !== VERSION) return undefined;
    if (guest === "lived") return { guest };
    return guest === "died" && typeof why === "string" ? { guest, why } : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
