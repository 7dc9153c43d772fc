/** A System and the verified archive → a Lock, by apt's answer. */
import type { System } from "#config/system.ts";
import type { Reporter } from "#report/reporter.ts";
import type { Toolchain } from "#toolchain/open.ts";
import type { Workspace } from "#workspace";
import { readableReasons } from "./apt-reason.ts";
import { askApt } from "./apt.ts";
import type { AptAnswer, AptQuestion } from "./apt.ts";
import { openArchives } from "#archive/open.ts";
import { suiteRoot } from "#archive/suites.ts";
import type { Archive } from "#archive/open.ts";
import { BUILTIN, builtinPackage } from "#archive/builtin.ts";
import { createCatalog, lockedPackage } from "#archive/catalog.ts";
import type { Catalog } from "#archive/catalog.ts";
import { lockError } from "./errors.ts";
import type { Lock, LockedPackage } from "./lock.ts";
import type { Mirror } from "#archive/mirror.ts";
import { checkKnown } from "./known.ts";
import { pinChoices } from "./pins.ts";
import type { PinChoices } from "./pins.ts";
import { requestOf } from "./request.ts";

export interface ResolveContext {
  readonly workspace: Workspace;
  readonly report: Reporter;
  readonly toolchain: Toolchain;
  /** The lock so far: its versions, archives and ids are kept where nothing asks for a change. */
  readonly previous?: Lock;
  /** Ask the mirror for newer archives, and move all packages or these to the newest version. */
  readonly upgrade?: "all" | readonly string[];
  /** Use only archives that are in the cache. */
  readonly offline?: boolean;
  readonly mirror?: Mirror;
  readonly keys?: readonly string[];
}

/** Raised when the meaning of a lock's content changes for the stages that follow. */
const ASHLAR_FORMAT = "1";

/**
 * Resolves a system.
 * @throws E_LOCK_UNKNOWN_PACKAGE (with the nearest names), E_LOCK_UNSATISFIABLE (with apt's reason), E_ARCHIVE_*
 */
export async function resolve(system: System, context: ResolveContext): Promise<Lock> {
  const request = requestOf(system);
  const previous = context.previous !== undefined && sameSource(context.previous.request, request) ? context.previous : undefined;
  const keepArchives = previous !== undefined && context.upgrade === undefined;
  const archives = await openArchives(
    {
      suite: request.suite,
      architecture: request.architecture,
      components: request.components,
      refresh: context.offline === true ? "never" : keepArchives ? "missing" : "always",
      ...(keepArchives ? { snapshots: previous.archives } : {}),
    },
    context,
  );
  const catalog = createCatalog(archives);
  checkKnown(request.packages, catalog);
  const packages = await solve(request, { ...context, previous, archives, catalog });
  return {
    version: 1,
    request,
    archives: archives.map(({ root, suite, components, date, release }) => ({ root, suite, components, date, release })),
    packages,
    tools: { ashlar: ASHLAR_FORMAT, node: process.versions.node, packages: context.toolchain.packages },
    ids: context.previous?.ids ?? { users: {}, groups: {} },
  };
}

function sameSource(a: Lock["request"], b: Lock["request"]): boolean {
  return a.distribution === b.distribution && a.suite === b.suite && a.architecture === b.architecture;
}

interface SolveContext extends Pick<ResolveContext, "workspace" | "toolchain" | "upgrade" | "report"> {
  readonly previous: Lock | undefined;
  readonly archives: readonly Archive[];
  readonly catalog: Catalog;
}

async function solve(request: Lock["request"], context: SolveContext): Promise<LockedPackage[]> {
  const { archives, catalog, report } = context;
  const essential = catalog.essential().map(({ name }) => name);
  const question: Omit<AptQuestion, "pins"> = {
    archives,
    architecture: request.architecture,
    recommends: request.recommends,
    install: [...new Set([...essential, ...request.packages])].sort(),
  };
  return report.step("ask apt", async (step) => {
    const answer = await askKeeping(question, pinChoices(request, context), context);
    if (!answer.possible) throw unsatisfiable(answer.output);
    const packages = answer.packages.map((found) => lookUp(found, catalog));
    step.detail(`${packages.length} packages`);
    return packages.sort((a, b) => compare(a.name, b.name) || compare(a.architecture, b.architecture));
  });
}

/** Asks with the most pins that leave an answer. Whether there is one at all is asked early: without pins. */
async function askKeeping(question: Omit<AptQuestion, "pins">, choices: PinChoices | undefined, context: SolveContext): Promise<AptAnswer> {
  if (choices !== undefined) {
    const careful = await askApt({ ...question, pins: choices.careful }, context);
    if (careful.possible) return careful;
  }
  const free = await askApt({ ...question, pins: [] }, context);
  if (choices === undefined || !free.possible) return free;
  const loose = await askApt({ ...question, pins: choices.loose }, context);
  return loose.possible ? loose : free;
}

/** apt names what it would fetch; the verified index says what that must be. */
function lookUp({ root, path }: { readonly root: string; readonly path: string }, catalog: Catalog): LockedPackage {
  if (root === BUILTIN) return builtinPackage().locked;
  const name = path.slice(path.lastIndexOf("/") + 1).split("_")[0] ?? "";
  const candidate = catalog.candidates(name).find((each) => each.path === path && suiteRoot(each.archive) === root);
  if (candidate === undefined) throw lockError("E_LOCK_UNSATISFIABLE", `apt chose ${root}/${path}, which the verified indexes do not have`);
  return lockedPackage(candidate);
}

function unsatisfiable(output: string): Error {
  const reasons = readableReasons(output);
  return lockError(
    "E_LOCK_UNSATISFIABLE",
    `the packages cannot be installed together:\n${reasons.map((reason) => `  ${reason}`).join("\n")}`,
    {
      hint: "remove one of the packages named above from the config, then run `ashlar lock`",
      details: { reasons, output },
    },
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
