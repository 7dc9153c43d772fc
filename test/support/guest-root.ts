/** A Debian root with a kernel and the programs of a test guest, unpacked without maintainer scripts and kept in the cache. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openArchives } from "#archive/open.ts";
import { createCatalog, lockedPackage } from "#archive/catalog.ts";
import { fetchPackages } from "#archive/download.ts";
import { silentReporter } from "#report/reporter.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { TOOLS } from "#toolchain/sets.ts";
import { settleTools } from "#toolchain/settle.ts";
import { solveClosure } from "#toolchain/solve.ts";
import { unpackTools } from "#toolchain/unpack.ts";
import type { Workspace } from "#workspace";

const PACKAGES = ["bash", "coreutils", "fsverity", "kmod", "linux-image-cloud-amd64", "mount", "util-linux"];

export interface GuestRoot {
  readonly root: string;
  /** Absolute path. */
  readonly kernel: string;
  /** Below the root. */
  readonly modulesFolder: string;
}

/** @param toolchain the set "build", for depmod */
export async function openGuestRoot(workspace: Workspace, toolchain: Toolchain): Promise<GuestRoot> {
  const archives = await openArchives({ ...TOOLS, refresh: "missing" }, { workspace, report: silentReporter });
  const packages = solveClosure(PACKAGES, createCatalog(archives)).map(lockedPackage);
  const kernel = packages.find(({ name }) => /^linux-image-\d/.test(name));
  const root = join(workspace.root, "test", `guest-${kernel?.version ?? ""}`);
  if (!existsSync(root)) await make(root, await fetchPackages(packages, { workspace, report: silentReporter }), toolchain);
  const [version = ""] = readdirSync(join(root, "usr/lib/modules"));
  return { root, kernel: join(root, `boot/vmlinuz-${version}`), modulesFolder: `usr/lib/modules/${version}` };
}

async function make(root: string, archives: ReadonlyMap<string, string>, toolchain: Toolchain): Promise<void> {
  mkdirSync(join(root, ".."), { recursive: true });
  const aside = mkdtempSync(`${root}-`);
  try {
    await silentReporter.step("unpack", (step) => unpackTools(aside, [...archives.values()], step));
    settleTools(aside);
    const [version = ""] = readdirSync(join(aside, "usr/lib/modules"));
    await runInToolchain(toolchain, "depmod", ["-b", "/target", version], { binds: [{ from: aside, to: "/target" }] });
    renameSync(aside, root);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
