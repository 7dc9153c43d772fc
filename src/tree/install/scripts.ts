/**
 * Maintainer scripts really run: in the root being built, without network, without a view of the build host, and in an
 * environment in which nothing differs from one build to the next (boot.md §5.1, §6.5).
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, messageOf } from "#errors";
import type { Step } from "#report/reporter.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { Shortcuts } from "./shortcuts.ts";
import { infoName } from "./unpacked.ts";
import type { UnpackedPackage } from "./unpacked.ts";

export type ScriptErrorCode = "E_TREE_SCRIPT_FAILED";

export interface ScriptContext {
  /** The root being built, on the build host. */
  readonly root: string;
  readonly toolchain: Toolchain;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number;
  readonly step: Step;
  /** Absent on the plain way. */
  readonly shortcuts?: Shortcuts;
}

const ENVIRONMENT = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LC_ALL: "C.UTF-8",
  TZ: "UTC",
  DEBIAN_FRONTEND: "noninteractive",
  DEBCONF_NONINTERACTIVE_SEEN: "true",
  DEBIAN_PRIORITY: "critical",
  PERL_HASH_SEED: "0",
  PYTHONHASHSEED: "0",
  PYTHONDONTWRITEBYTECODE: "1",
  INITRD: "No",
  DPKG_ROOT: "",
  DPKG_ADMINDIR: "/var/lib/dpkg",
  DPKG_FORCE: "unsafe-io,confdef,confold",
} as const;

/** Refuses every service start during the build; must be executable (invoke-rc.d(8)). */
const POLICY = "#!/bin/sh\nexit 101\n";

const PREINST_LOOP = `set -e
for package in "$@"; do
  export DPKG_MAINTSCRIPT_PACKAGE="\${package%%:*}" DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1
  echo "preinst $package"
  "/var/lib/dpkg/info/$package.preinst" install || { echo "preinst of $package failed with exit code $?" >&2; exit 1; }
done`;

/** Runs `preinst install` of the packages that have one, in the given order. */
export async function runPreinsts(packages: readonly UnpackedPackage[], context: ScriptContext): Promise<void> {
  const names = packages.filter((unpacked) => unpacked.members.has("preinst")).map(infoName);
  if (names.length > 0)
    await runInRoot(context, "/bin/sh", ["-c", PREINST_LOOP, "sh", ...names], { DPKG_MAINTSCRIPT_ARCH: packages[0]?.architecture ?? "" });
}

/** Runs `dpkg --configure` over all packages, which runs the postinsts and then the triggers. */
export async function configurePackages(packages: readonly UnpackedPackage[], context: ScriptContext): Promise<void> {
  let done = 0;
  await runInRoot(
    context,
    "/usr/bin/dpkg",
    ["--force-unsafe-io", "--abort-after=1", "--configure", ...packages.map(infoName)],
    {},
    (line) => {
      if (line.startsWith("Setting up ")) context.step.progress(++done, packages.length, "packages");
    },
  );
}

/** Runs what is still to do: packages that others woke by a trigger. */
export async function configurePending(context: ScriptContext): Promise<void> {
  await runInRoot(context, "/usr/bin/dpkg", ["--force-unsafe-io", "--abort-after=1", "--configure", "--pending"], {});
}

/** Runs `dpkg --unpack`, the plain path; `archives` are paths inside the sandbox. */
export async function unpackWithDpkg(archives: readonly string[], packagesFolder: string, context: ScriptContext): Promise<void> {
  await runInRoot(
    context,
    "/usr/bin/dpkg",
    ["--force-unsafe-io", "--force-depends", "--unpack", ...archives],
    {},
    undefined,
    packagesFolder,
  );
}

async function runInRoot(
  context: ScriptContext,
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  onLine?: (line: string) => void,
  packagesFolder?: string,
): Promise<void> {
  const policy = join(context.root, "usr/sbin/policy-rc.d");
  writeFileSync(policy, POLICY, { mode: 0o755 });
  const output: string[] = [];
  try {
    const result = await runInToolchain(context.toolchain, program, args, {
      root: context.root,
      hostname: "localhost",
      env: { ...ENVIRONMENT, SOURCE_DATE_EPOCH: String(context.epoch), ...context.shortcuts?.env, ...env },
      tmpfs: ["/tmp", "/run"],
      binds: [
        ...(context.shortcuts?.binds ?? []),
        ...(packagesFolder === undefined ? [] : [{ from: packagesFolder, to: "/mnt", readonly: true }]),
      ],
      allowFailure: true,
      onLine: (line) => {
        output.push(line);
        onLine?.(line);
      },
    });
    if (result.exitCode !== 0) throw scriptFailed(output, result.exitCode);
  } catch (error) {
    if (error instanceof AshlarError) throw error;
    throw new AshlarError<ScriptErrorCode>("E_TREE_SCRIPT_FAILED", `cannot run maintainer scripts: ${messageOf(error)}`, { cause: error });
  } finally {
    rmSync(policy, { force: true });
  }
}

function scriptFailed(output: readonly string[], exitCode: number): AshlarError<ScriptErrorCode> {
  const culprit = output.map((line) => /error processing package (\S+)|preinst of (\S+) failed/.exec(line)).find((match) => match !== null);
  const name = culprit?.[1] ?? culprit?.[2];
  const tail = output
    .slice(-15)
    .map((line) => `  ${line}`)
    .join("\n");
  return new AshlarError(
    "E_TREE_SCRIPT_FAILED",
    `${name === undefined ? "a maintainer script" : `the maintainer script of ${name}`} failed with exit code ${exitCode}; its last lines:\n${tail}`,
    {
      hint: "run `ashlar build --keep` to keep the build folder and look at it",
      details: { package: name, exitCode, output: output.slice(-200) },
    },
  );
}
