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

export interface AcceleratorChoice {
  /** What the user asked for; `auto` when absent. */
  readonly wanted: Accelerator | undefined;
  readonly workspace: Workspace;
  readonly report: Reporter;
  /** {@link KVM_DEVICE} by default. */
  readonly device?: string;
  /** Boots a copy of the machine under KVM; undefined when it lived, else QEMU's last words. */
  readonly probe: () => Promise<string | undefined>;
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
  const failure = known === undefined ? await report.step("try KVM", probe) : known.failure;
  if (known === undefined) {
    mkdirSync(workspace.steps, { recursive: true });
    writeFileAtomic(path, `${JSON.stringify({ version: 1, failure })}\n`);
  }
  return failure === undefined ? "kvm" : emulate(failure);
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

function readVerdict(path: string): { failure: string | undefined } | undefined {
  try {
    const verdict = JSON.parse(readFileSync(path, "utf8")) as { version?: unknown; failure?: unknown };
    if (verdict.version !== 1) return undefined;
    return { failure: typeof verdict.failure === "string" ? verdict.failure : undefined };
  } catch (error) {
    if (hasErrno(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
