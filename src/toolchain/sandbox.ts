/**
 * Runs a program of the tools tree, or of another root, in a sandbox: own mounts, processes, host name and (unless asked
 * for) no network, nothing of the build host visible but what is bound. bubblewrap does it, started through the tools
 * tree's own dynamic loader, so that no program of the build host is used.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";
import type { ExecOptions, ExecResult } from "#sys/exec.ts";
import type { Toolchain } from "./open.ts";

export interface Bind {
  /** On the build host. */
  readonly from: string;
  /** In the sandbox; made when it is not there. */
  readonly to: string;
  readonly readonly?: boolean;
}

export interface SandboxOptions extends Pick<ExecOptions, "input" | "onLine" | "timeout" | "allowFailure" | "terminal" | "signal"> {
  readonly binds?: readonly Bind[];
  /** Empty folders in memory. */
  readonly tmpfs?: readonly string[];
  /** Device nodes of the build host, skipped when they are not there ("/dev/kvm"). */
  readonly devices?: readonly string[];
  /** Further places for /proc ("/target/proc"); /proc itself is always there. */
  readonly procAt?: readonly string[];
  /** Further places for a minimal /dev; /dev itself is always there. */
  readonly devAt?: readonly string[];
  /** The build host's network; none when absent. */
  readonly network?: boolean;
  /** Added to a minimal environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** In the sandbox; "/" when absent. */
  readonly cwd?: string;
  readonly hostname?: string;
  /** Another folder of the build host as `/`, writable; the tools tree is not visible then. */
  readonly root?: string;
}

/** What dpkg and maintainer scripts need of root's powers; not mounting, not modules, not raw devices, not the clock. */
const CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "DAC_READ_SEARCH",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "AUDIT_WRITE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];

const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LC_ALL: "C.UTF-8", TZ: "UTC" };

/**
 * Runs `program` (a path or a name in PATH, inside the sandbox) to its end.
 * @throws E_EXEC_FAILED, E_EXEC_TIMEOUT, E_EXEC_START as `exec` does
 */
export async function runInToolchain(
  toolchain: Toolchain,
  program: string,
  args: readonly string[],
  options: SandboxOptions = {},
): Promise<ExecResult> {
  const { input, onLine, timeout, allowFailure, terminal, signal } = options;
  const [loader = "", ...command] = sandboxCommand(toolchain, program, args, options);
  return exec(loader, command, {
    env: {},
    ...(input === undefined ? {} : { input }),
    ...(onLine === undefined ? {} : { onLine }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(allowFailure === undefined ? {} : { allowFailure }),
    ...(terminal === undefined ? {} : { terminal }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** bubblewrap, its options in the order in which it must do them, and the program. */
function sandboxCommand(toolchain: Toolchain, program: string, args: readonly string[], options: SandboxOptions = {}): string[] {
  return [
    ...hostCommand(toolchain, "usr/bin/bwrap"),
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    ...(options.network === true ? [] : ["--unshare-net"]),
    "--die-with-parent",
    "--hostname",
    options.hostname ?? "ashlar",
    "--cap-drop",
    "ALL",
    ...CAPABILITIES.flatMap((capability) => ["--cap-add", `CAP_${capability}`]),
    "--clearenv",
    ...Object.entries({ ...ENVIRONMENT, ...options.env }).flatMap(([name, value]) => ["--setenv", name, value]),
    ...(options.root === undefined ? toolsRoot(toolchain) : ["--bind", options.root, "/"]),
    ...["/proc", ...(options.procAt ?? []).filter((path) => !isBelowBind(path, options))].flatMap((path) => ["--proc", path]),
    ...["/dev", ...(options.devAt ?? []).filter((path) => !isBelowBind(path, options))].flatMap((path) => ["--dev", path]),
    ...(options.tmpfs ?? []).flatMap((path) => ["--tmpfs", path]),
    ...(options.binds ?? []).flatMap(({ from, to, readonly }) => [readonly === true ? "--ro-bind" : "--bind", from, to]),
    ...(options.procAt ?? []).filter((path) => isBelowBind(path, options)).flatMap((path) => ["--proc", path]),
    ...(options.devAt ?? []).filter((path) => isBelowBind(path, options)).flatMap((path) => ["--dev", path]),
    ...(options.devices ?? []).flatMap((path) => ["--dev-bind-try", path, path]),
    ...(options.network === true ? resolverFiles() : []),
    "--chdir",
    options.cwd ?? "/",
    "--",
    program,
    ...args,
  ];
}

/** The command line that runs a program of the tools tree directly on the build host, by the tree's own loader and libraries. */
export function hostCommand(toolchain: Toolchain, program: string): string[] {
  const libraries = join(toolchain.root, "usr/lib/x86_64-linux-gnu");
  return [join(toolchain.root, "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", libraries, join(toolchain.root, program)];
}

/** The tree's folders lie read-only on an empty root, so that any folder can be bound beside them. */
function toolsRoot(toolchain: Toolchain): string[] {
  const at = (name: string): string => join(toolchain.root, name);
  return [
    ...["usr", "etc", "var"].flatMap((name) => ["--ro-bind", at(name), `/${name}`]),
    ...["bin", "sbin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...["/tmp", "/run", "/root", "/var/tmp"].flatMap((path) => ["--tmpfs", path]),
  ];
}

/** Names are resolved as on the build host. */
function resolverFiles(): string[] {
  return ["/etc/resolv.conf", "/etc/hosts"].filter((path) => existsSync(path)).flatMap((path) => ["--ro-bind", path, path]);
}

function isBelowBind(path: string, { binds = [] }: SandboxOptions): boolean {
  return binds.some(({ to }) => path.startsWith(`${to}/`));
}
