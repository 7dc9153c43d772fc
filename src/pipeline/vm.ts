/** `ashlar vm`: a config's machine, in QEMU, as it would boot on hardware. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { copyDisk } from "#vm/disk-copy.ts";
import { startMachine } from "#vm/machine.ts";
import type { Machine } from "#vm/machine.ts";
import type { BuildOptions } from "./build.ts";
import { buildSystem } from "./build.ts";
import type { Context } from "./context.ts";
import { makeDiskImage } from "./disk.ts";

export interface MachineRequest extends BuildOptions {
  /** Forget what the machine writes when it ends. */
  readonly ephemeral?: boolean;
  /** Start from a fresh disk instead of the one kept from last time. */
  readonly reset?: boolean;
  /** MiB. */
  readonly memory?: number;
  /** Port of this host that leads to the machine's ssh; 0 takes a free one. */
  readonly sshPort?: number;
  readonly forwards?: readonly { readonly host: number; readonly guest: number }[];
  /** The serial console: this terminal, or a pipe for programs. */
  readonly serial: "terminal" | "pipe";
}

export interface RunningMachine {
  readonly machine: Machine;
  /** Path of the disk that it runs from. */
  readonly disk: string;
}

/** Builds what is missing and starts the machine; it runs until the guest powers off or `machine.stop()`. */
export async function openMachine(request: MachineRequest, context: Context): Promise<RunningMachine> {
  const { workspace, report } = context;
  const toolchain = await openToolchain("vm", { workspace, report });
  const disk = await machineDisk(request, toolchain, context);
  const machine = await startMachine({
    disk,
    serial: request.serial,
    toolchain,
    workspace,
    report,
    ephemeral: request.ephemeral === true,
    ...(request.memory === undefined ? {} : { memory: request.memory }),
    ...(request.sshPort === undefined ? {} : { sshPort: request.sshPort }),
    ...(request.forwards === undefined ? {} : { forwards: request.forwards }),
  });
  return { machine, disk };
}

/** Runs a machine in this terminal until it ends. @returns QEMU's exit code */
export async function runMachine(
  request: Omit<MachineRequest, "serial">,
  context: Context,
): Promise<{ readonly exitCode: number; readonly disk: string }> {
  const { machine, disk } = await openMachine({ ...request, serial: "terminal" }, context);
  return { exitCode: await machine.exited, disk };
}

/** A pristine disk for each image; a machine that remembers gets a copy of its own, by name. */
async function machineDisk(request: MachineRequest, toolchain: Toolchain, context: Context): Promise<string> {
  const built = await buildSystem(request, context);
  const { image } = built;
  const disks = join(context.workspace.root, "disks");
  const machines = join(context.workspace.root, "machines");
  mkdirSync(disks, { recursive: true });
  mkdirSync(machines, { recursive: true });
  const pristine = join(disks, `${image.name}-${image.digest.slice(0, 16)}.img`);
  if (!existsSync(pristine)) {
    for (const old of readdirSync(disks)) if (old.startsWith(`${image.name}-`)) rmSync(join(disks, old));
    await makeDiskImage({ ...request, built, output: pristine }, context);
  }
  if (request.ephemeral === true) return pristine;
  const own = join(machines, `${image.name}.img`);
  if (request.reset === true || !existsSync(own)) await copyDisk(pristine, own, toolchain);
  else context.report.note("info", `${image.name} goes on from ${own}; --reset starts it afresh from ${image.digest.slice(0, 16)}`);
  return own;
}
