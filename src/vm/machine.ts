/**
 * A virtual PC that boots a disk as real hardware would: UEFI, systemd-boot, virtio devices, a serial console.
 */
import { availableParallelism } from "node:os";
import { silentReporter } from "#report/reporter.ts";
import type { Reporter } from "#report/reporter.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import type { Workspace } from "#workspace";
import { chooseAccelerator } from "./accelerator.ts";
import type { Accelerator, Drive, Forward } from "./arguments.ts";
import type { Console } from "./console.ts";
import { launch } from "./launch.ts";
import type { Launched } from "./launch.ts";
import { freePort } from "./port.ts";
import { probeKvm } from "./probe.ts";
import type { Qmp } from "./qmp.ts";

export interface MachineOptions {
  /** Path of the disk image. */
  readonly disk: string;
  /** Writes to the disk are forgotten at the end. */
  readonly ephemeral?: boolean;
  /** Path of an existing file that gets every write and flush of the disk; not with `ephemeral`. */
  readonly writeLog?: string;
  /** MiB; 2048 by default. */
  readonly memory?: number;
  /** By default as many as the host has, at most 4. */
  readonly cpus?: number;
  /** Port on 127.0.0.1 that leads to the guest's port 22; 0 takes a free one. */
  readonly sshPort?: number;
  readonly forwards?: readonly Forward[];
  /** `terminal` is this terminal; `pipe` is {@link Machine.console}. */
  readonly serial: "terminal" | "pipe";
  /** The set "vm". */
  readonly toolchain: Toolchain;
  /** By default KVM where it works. */
  readonly accel?: Accelerator;
  /** Boots this kernel, without firmware and boot loader. */
  readonly kernel?: string;
  readonly initrd?: string;
  /** The kernel's command line. */
  readonly append?: string;
  readonly extraDrives?: readonly Drive[];
  /** Ends the machine when the guest reboots. */
  readonly noReboot?: boolean;
  /** Goes on from what {@link Machine.save} kept; the disk and all other options must be the same. */
  readonly resume?: string;
  /** Where the verdict on KVM is kept. */
  readonly workspace?: Workspace;
  readonly report?: Reporter;
}

export interface Machine extends AsyncDisposable {
  readonly accelerator: Accelerator;
  /** With `serial: "pipe"`. */
  readonly console: Console | undefined;
  readonly qmp: Qmp;
  readonly sshPort: number | undefined;
  /** QEMU's exit code, when the guest has powered off or the machine was stopped. */
  readonly exited: Promise<number>;
  /** What is known of a machine that does not answer: whether QEMU lets it run, and the last lines of its console. */
  readonly lastWords: () => Promise<string>;
  /** Presses the power button. */
  powerDown(): Promise<void>;
  /** Ends the machine and keeps its state in a folder, to be resumed from. @throws E_VM_SAVE */
  save(folder: string): Promise<void>;
  /** Cuts the power; returns when QEMU has ended. */
  stop(): Promise<void>;
}

export function startMachine(options: MachineOptions & { serial: "pipe" }): Promise<Machine & { readonly console: Console }>;
export function startMachine(options: MachineOptions): Promise<Machine>;
/**
 * Starts a machine.
 * @throws E_VM_START with what QEMU said, E_VM_FIRMWARE, E_VM_KVM
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { workspace = openWorkspace(), report = silentReporter } = options;
  const sshPort = options.sshPort === 0 ? await freePort() : options.sshPort;
  const launching = {
    toolchain: options.toolchain,
    memory: options.memory ?? 2048,
    cpus: options.cpus ?? Math.min(4, availableParallelism()),
    drives: [
      { path: options.disk, ephemeral: options.ephemeral === true, ...(options.writeLog && { log: options.writeLog }) },
      ...(options.extraDrives ?? []),
    ],
    forwards: [...(sshPort === undefined ? [] : [{ host: sshPort, guest: 22 }]), ...(options.forwards ?? [])],
    serial: options.serial,
    direct: options.kernel === undefined ? undefined : { kernel: options.kernel, initrd: options.initrd, append: options.append ?? "" },
    noReboot: options.noReboot === true,
    resume: options.resume,
  };
  const accelerator = await chooseAccelerator({
    wanted: options.accel,
    workspace,
    report,
    probe: () => probeKvm({ ...launching, resume: undefined }),
  });
  const launched = await launch({ ...launching, accelerator });
  return {
    ...launched,
    accelerator,
    sshPort,
    lastWords: () => lastWords(launched),
    powerDown: async () => void (await launched.qmp.execute("system_powerdown")),
    [Symbol.asyncDispose]: () => launched.stop(),
  };
}

/** A machine that QEMU stopped (its disk's file could not be written, KVM gave up) is silent in the same way as one that hangs. */
async function lastWords({ qmp, console }: Pick<Launched, "qmp" | "console">): Promise<string> {
  const state = await qmp.execute("query-status").then(
    (answer) => `QEMU says that it is ${(answer as { status: string }).status}`,
    () => "QEMU has ended",
  );
  const seen = console?.tail() ?? "";
  return seen === "" ? `${state}; its console is silent` : `${state}; its console's last lines:\n${seen}`;
}
