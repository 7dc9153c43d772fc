/**
 * Ashlar's own tools, unpacked from verified Debian packages:
 *
 *   <workspace>/toolchain/<set>-<digest>/    a tree with usr/, etc/, …; complete when it is there
 *   <workspace>/toolchain/<set>.json         the packages of the last solution and the archives that it was made from
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import type { ArchiveRequest } from "#archive/context.ts";
import { openArchives } from "#archive/open.ts";
import type { Mirror } from "#archive/mirror.ts";
import { suitesOf } from "#archive/suites.ts";
import { createCatalog, lockedPackage } from "#archive/catalog.ts";
import { fetchPackages } from "#archive/download.ts";
import type { LockedPackage } from "#lock/lock.ts";
import { readNewest } from "#archive/snapshot.ts";
import type { Reporter, Step } from "#report/reporter.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { Workspace } from "#workspace";
import { settleTools } from "./settle.ts";
import { TOOLS, TOOL_SETS } from "./sets.ts";
import type { ToolSet } from "./sets.ts";
import { solveClosure } from "./solve.ts";
import { unpackTools } from "./unpack.ts";

export interface Toolchain {
  /** Folder of the tree on the build host. */
  readonly root: string;
  /** Names its content: 16 hex digits over the packages. */
  readonly digest: string;
  /** Sorted by name. */
  readonly packages: readonly LockedPackage[];
}

export interface ToolchainContext {
  readonly workspace: Workspace;
  readonly report: Reporter;
  /** This machine's mirror unless given. */
  readonly mirror?: Mirror;
  /** Exactly these packages, as a lock names them; else those of the newest archive known. */
  readonly packages?: readonly LockedPackage[];
}

/** Changing how a tree is unpacked or completed must make a new folder. */
const TREE_FORMAT = 2;

/**
 * The tools tree of a set, made when it is not there yet.
 * @throws E_ARCHIVE_*, E_PACKAGE_*, E_MIRROR_UNKNOWN, E_TOOLCHAIN_UNSATISFIABLE, E_TOOLCHAIN_UNPACK
 */
export async function openToolchain(set: ToolSet, context: ToolchainContext): Promise<Toolchain> {
  const { workspace, report } = context;
  const packages = context.packages ?? rememberedPackages(set, workspace);
  if (packages !== undefined) {
    const known = describe(set, packages, workspace);
    if (existsSync(known.root)) return known;
  }
  return report.step(`prepare tools (${set})`, async (step) => {
    const inner = { workspace, report: step, ...(context.mirror === undefined ? {} : { mirror: context.mirror }) };
    const solved = packages ?? (await solve(set, inner, "missing"));
    try {
      return await make(describe(set, solved, workspace), inner);
    } catch (error) {
      // The mirror moved on since the lists were fetched; a lock's packages are not ours to change.
      const stale = context.packages === undefined && error instanceof AshlarError && error.code === "E_PACKAGE_GONE";
      if (!stale) throw error;
      return await make(describe(set, await solve(set, inner, "always"), workspace), inner);
    }
  });
}

function describe(set: ToolSet, packages: readonly LockedPackage[], workspace: Workspace): Toolchain {
  const hash = createHash("sha256").update(`${TREE_FORMAT}\n`);
  for (const { sha256 } of packages) hash.update(`${sha256}\n`);
  const digest = hash.digest("hex").slice(0, 16);
  return { root: join(workspace.toolchain, `${set}-${digest}`), digest, packages };
}

interface Inner {
  readonly workspace: Workspace;
  readonly report: Step;
  readonly mirror?: Mirror;
}

async function make(toolchain: Toolchain, context: Inner): Promise<Toolchain> {
  if (existsSync(toolchain.root)) return toolchain;
  const { workspace, report } = context;
  const paths = await fetchPackages(toolchain.packages, context);
  mkdirSync(workspace.work, { recursive: true });
  mkdirSync(workspace.toolchain, { recursive: true });
  const aside = mkdtempSync(join(workspace.work, "toolchain-"));
  try {
    await report.step("unpack tools", async (step) => {
      await unpackTools(
        aside,
        toolchain.packages.map(({ sha256 }) => paths.get(sha256) ?? ""),
        step,
      );
      settleTools(aside);
      chmodSync(aside, 0o755);
    });
    renameSync(aside, toolchain.root);
  } catch (error) {
    // Another process made the same tree meanwhile: theirs is as good.
    if (!hasErrno(error, "ENOTEMPTY") && !hasErrno(error, "EEXIST")) throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  report.detail(`${toolchain.packages.length} packages`);
  return toolchain;
}

interface Remembered {
  readonly archives: string;
  readonly packages: readonly LockedPackage[];
}

async function solve(set: ToolSet, context: Inner, refresh: ArchiveRequest["refresh"]): Promise<LockedPackage[]> {
  const { workspace } = context;
  const archives = await openArchives({ ...TOOLS, refresh }, context);
  const packages = solveClosure(TOOL_SETS[set], createCatalog(archives)).map(lockedPackage);
  const remembered: Remembered = { archives: archiveState(set, workspace), packages };
  writeFileAtomic(rememberedPath(set, workspace), `${JSON.stringify(remembered)}\n`);
  return packages;
}

/** The last solution, while the archives that it came from are the newest known. */
function rememberedPackages(set: ToolSet, workspace: Workspace): readonly LockedPackage[] | undefined {
  try {
    const remembered = JSON.parse(readFileSync(rememberedPath(set, workspace), "utf8")) as Remembered;
    return remembered.archives === archiveState(set, workspace) ? remembered.packages : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function archiveState(set: ToolSet, workspace: Workspace): string {
  const newest = suitesOf(TOOLS.suite).map(({ root, suite }) => readNewest(workspace, root, suite)?.release ?? "");
  return [...newest, ...TOOL_SETS[set]].join(" ");
}

function rememberedPath(set: ToolSet, workspace: Workspace): string {
  return join(workspace.toolchain, `${set}.json`);
}
