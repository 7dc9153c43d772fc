/**
 * QEMU's command line as a pure function. Options: https://www.qemu.org/docs/master/system/invocation.html
 *
 * The machine is a q35 PC with UEFI firmware, virtio disks, network and random numbers, and no screen.
 */

export type Accelerator = "kvm" | "tcg";

export interface Forward {
  /** Port on 127.0.0.1 of the host. */
  readonly host: number;
  readonly guest: number;
}

export interface Drive {
  /** Path as QEMU sees it. */
  readonly path: string;
  readonly readonly?: boolean;
  /** Writes go to a temporary file. */
  readonly ephemeral?: boolean;
  /** Path of a file that gets every write and flush, in the order in which they ended; it must exist. */
  readonly log?: string;
}

export interface QemuOptions {
  readonly accelerator: Accelerator;
  /** MiB. */
  readonly memory: number;
  readonly cpus: number;
  /** The first is the one that boots. */
  readonly drives: readonly Drive[];
  readonly forwards: readonly Forward[];
  /** `terminal` is QEMU's own standard input and output, else the path of a socket it waits at. */
  readonly serial: "terminal" | { readonly socket: string };
  readonly qmpSocket: string;
  /** UEFI code and variables; absent for a direct boot. */
  readonly firmware?: { readonly code: string; readonly variables: string } | undefined;
  readonly direct?: { readonly kernel: string; readonly initrd?: string | undefined; readonly append: string } | undefined;
  /** Ends QEMU when the guest reboots. */
  readonly noReboot: boolean;
  /** Path of a saved state of the same machine, to go on from. */
  readonly resume?: string | undefined;
}

/**
 * Everything QEMU can emulate, but for "fast" byte-wise string instructions: a kernel that believes in them clears and copies pages
 * with `rep stosb` and `rep movsb`, which emulation does byte by byte. Without them processes start about a seventh faster.
 */
const EMULATED_CPU = "max,erms=off,fsrm=off";

export function qemuArguments(options: QemuOptions): string[] {
  const { serial, firmware, direct } = options;
  return [
    ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35"],
    options.accelerator === "kvm" ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg,thread=multi", "-cpu", EMULATED_CPU],
    ["-m", `${options.memory}M`, "-smp", `${options.cpus}`],
    firmware === undefined ? [] : ["-drive", flash(0, firmware.code, ",readonly=on"), "-drive", flash(1, firmware.variables, "")],
    direct === undefined ? [] : ["-kernel", direct.kernel, "-append", direct.append],
    direct?.initrd === undefined ? [] : ["-initrd", direct.initrd],
    options.drives.flatMap(driveArguments),
    ["-netdev", ["user,id=net0", ...options.forwards.map(forwardText)].join(","), "-device", "virtio-net-pci,netdev=net0,romfile="],
    ["-device", "virtio-rng-pci"],
    serial === "terminal"
      ? ["-serial", "mon:stdio"]
      : ["-chardev", `socket,id=serial0,server=on,wait=on,path=${escaped(serial.socket)}`, "-serial", "chardev:serial0"],
    ["-qmp", `unix:${escaped(options.qmpSocket)},server=on,wait=off`],
    options.noReboot ? ["-no-reboot"] : [],
    options.resume === undefined ? [] : ["-incoming", `file:${options.resume}`],
  ].flat();
}

function flash(unit: number, path: string, flags: string): string {
  return `if=pflash,unit=${unit},format=raw,file=${escaped(path)}${flags}`;
}

/** `discard` gives blocks that the guest frees back to the host. A directly booted kernel has boot index 0. */
function driveArguments(drive: Drive, index: number): string[] {
  const flags = `${drive.readonly === true ? ",readonly=on" : ""}${drive.ephemeral === true ? ",snapshot=on" : ""}`;
  const file =
    drive.log === undefined
      ? `format=raw,file=${escaped(drive.path)}${flags}`
      : // The format of Linux's dm-log-writes: https://docs.kernel.org/admin-guide/device-mapper/log-writes.html
        `driver=blklogwrites,file.filename=${escaped(drive.path)},log.filename=${escaped(drive.log)}`;
  const backend = `if=none,id=drive${index},discard=unmap,${file}`;
  return ["-drive", backend, "-device", `virtio-blk-pci,drive=drive${index},bootindex=${index + 1}`];
}

function forwardText({ host, guest }: Forward): string {
  return `hostfwd=tcp:127.0.0.1:${host}-:${guest}`;
}

/** A comma ends a value in QEMU's option lists unless it is doubled. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}
