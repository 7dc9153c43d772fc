/** Starting QEMU in the tools tree, and the connections to it. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AshlarError } from "#errors";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { KVM_DEVICE } from "./accelerator.ts";
import { qemuArguments } from "./arguments.ts";
import type { Accelerator, Drive, Forward } from "./arguments.ts";
import { openConsole } from "./console.ts";
import type { Console } from "./console.ts";
import type { VmErrorCode } from "./errors.ts";
import { FIRMWARE_CODE, copyFirmwareVariables } from "./firmware.ts";
import { openQmp } from "./qmp.ts";
import type { Qmp } from "./qmp.ts";
import { MEMORY, VARIABLES, goOn, saveState } from "./saved.ts";
import { connectWhenReady } from "./socket.ts";

export interface LaunchOptions {
  readonly toolchain: Toolchain;
  readonly accelerator: Accelerator;
  /** MiB. */
  readonly memory: number;
  readonly cpus: number;
  readonly drives: readonly Drive[];
  readonly forwards: readonly Forward[];
  readonly serial: "terminal" | "pipe";
  readonly direct: { readonly kernel: string; readonly initrd?: string | undefined; readonly append: string } | undefined;
  readonly noReboot: boolean;
  /** Folder that `save` wrote, of a machine with the same options. */
  readonly resume: string | undefined;
  /** Called with each line that QEMU itself writes on stderr. */
  readonly onComplaint?: (line: string) => void;
}

export interface Launched {
  readonly console: Console | undefined;
  readonly qmp: Qmp;
  /** QEMU's exit code. */
  readonly exited: Promise<number>;
  /** Ends the machine and keeps the state of memory and devices in `folder`, which is made. */
  save(folder: string): Promise<void>;
  stop(): Promise<void>;
}

/** QEMU needs a moment on a loaded host to open its sockets. */
const CONNECT_MS = 30_000;
const QUIT_MS = 5_000;
/** Where the machine's folder is for QEMU. Sockets need short paths: 108 bytes at most. */
const INSIDE = "/tmp/vm";
const SAVED = "/tmp/saved";

/** @throws E_VM_START with what QEMU said, E_VM_FIRMWARE */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-vm-"));
  const kill = new AbortController();
  const ended = new AbortController();
  const complaints: string[] = [];
  const run = async (): Promise<number> => {
    try {
      const { exitCode } = await runInToolchain(options.toolchain, "/usr/bin/qemu-system-x86_64", commandLine(options, folder), {
        binds: [{ from: folder, to: INSIDE }, ...bindsOf(options)],
        devices: options.accelerator === "kvm" ? [KVM_DEVICE] : [],
        network: true,
        // Writes of ephemeral drives go to TMPDIR, which may become large: not to memory.
        env: { TMPDIR: INSIDE },
        terminal: options.serial === "terminal",
        allowFailure: true,
        signal: kill.signal,
        onLine: (line, stream) => {
          if (stream === "stdout") return;
          complaints.push(line);
          options.onComplaint?.(line);
        },
      });
      return exitCode;
    } finally {
      ended.abort();
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const exited = run();
  // Whoever awaits it gets the error; until then it is not unhandled.
  exited.catch(() => {});
  try {
    const attach = (name: string): ReturnType<typeof connectWhenReady> => connectWhenReady(join(folder, name), ended.signal, CONNECT_MS);
    // QEMU waits for the console before it starts the machine, so that nothing is missed.
    const console = options.serial === "pipe" ? openConsole(await attach("serial.sock")) : undefined;
    const qmp = await openQmp(await attach("qmp.sock"));
    if (options.resume !== undefined) await goOn(qmp);
    const halt = (): Promise<void> => stop(qmp, exited, kill);
    return { console, qmp, exited, save: (to) => saveState(qmp, { from: folder, inside: INSIDE, to, halt }), stop: halt };
  } catch (cause) {
    kill.abort();
    await exited;
    const why = complaints.length > 0 ? `:\n${complaints.join("\n")}` : "";
    throw new AshlarError<VmErrorCode>("E_VM_START", `QEMU did not start${why}`, {
      cause,
      ...(/host forwarding/.test(why) ? { hint: "another program has the port: choose another --ssh-port or --forward" } : {}),
    });
  }
}

function commandLine(options: LaunchOptions, folder: string): string[] {
  const { direct } = options;
  const variables = join(folder, VARIABLES);
  if (options.resume !== undefined) copyFileSync(join(options.resume, VARIABLES), variables);
  else if (direct === undefined) copyFirmwareVariables(options.toolchain.root, variables);
  return qemuArguments({
    ...options,
    drives: options.drives.map((drive, index) => ({ ...drive, path: drivePath(index), ...(drive.log && { log: logPath(index) }) })),
    serial: options.serial === "pipe" ? { socket: `${INSIDE}/serial.sock` } : "terminal",
    qmpSocket: `${INSIDE}/qmp.sock`,
    firmware: direct === undefined ? { code: FIRMWARE_CODE, variables: `${INSIDE}/${VARIABLES}` } : undefined,
    direct: direct && { kernel: "/tmp/kernel", initrd: direct.initrd && "/tmp/initrd", append: direct.append },
    resume: options.resume && SAVED,
  });
}

function bindsOf({ drives, direct, resume }: LaunchOptions): { from: string; to: string; readonly: boolean }[] {
  const binds = drives.flatMap(({ path, readonly, ephemeral, log }, index) => [
    { from: resolve(path), to: drivePath(index), readonly: readonly === true || ephemeral === true },
    ...(log === undefined ? [] : [{ from: resolve(log), to: logPath(index), readonly: false }]),
  ]);
  if (direct !== undefined) binds.push({ from: resolve(direct.kernel), to: "/tmp/kernel", readonly: true });
  if (direct?.initrd !== undefined) binds.push({ from: resolve(direct.initrd), to: "/tmp/initrd", readonly: true });
  if (resume !== undefined) binds.push({ from: resolve(resume, MEMORY), to: SAVED, readonly: true });
  return binds;
}

function drivePath(index: number): string {
  return `/tmp/drive${index}.img`;
}

function logPath(index: number): string {
  return `/tmp/drive${index}.log`;
}

/** Ends QEMU without asking the guest; returns when it has ended. */
async function stop(qmp: Qmp, exited: Promise<number>, kill: AbortController): Promise<void> {
  const over = exited.then(
    () => true,
    () => true,
  );
  // "quit" may be answered by the end of the connection alone.
  await qmp.execute("quit").catch(() => qmp.close());
  if (await Promise.race([over, delay(QUIT_MS, false, { ref: false })])) return;
  kill.abort();
  await over;
}
