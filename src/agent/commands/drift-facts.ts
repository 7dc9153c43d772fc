/** Gathers what the drift commands judge; needs root and a machine that Ashlar started. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseFields } from "#boot/entry.ts";
import { ENTRIES, readLoader } from "#boot/loader.ts";
import type { DriftErrorCode } from "#drift/errors.ts";
import type { Facts } from "#drift/facts.ts";
import { pathsOf, withOwners } from "#drift/owner.ts";
import type { OwnedFinding } from "#drift/finding.ts";
import { packagesOf } from "#drift/gather/packages.ts";
import { readSysctl, runtimeUnits, sysctlsLike, unitStates } from "#drift/gather/system.ts";
import { readUpper } from "#drift/gather/upper.ts";
import { viewImage } from "#drift/image.ts";
import { inspect } from "#drift/inspect.ts";
import { driftPaths } from "#drift/paths.ts";
import type { DriftPaths } from "#drift/paths.ts";
import { openSession } from "#drift/session.ts";
import { AshlarError } from "#errors";
import { readImage } from "#formats/erofs/reader.ts";
import { declaredPaths } from "#state/declared.ts";
import { keptPaths } from "#state/kept.ts";
import { mountedRoot } from "#state/root-reader.ts";
import { unknownState } from "#state/unknown.ts";
import { objectPath } from "#store/layout.ts";
import { parseObjectId } from "#store/object.ts";
import { systemOf } from "../context.ts";
import type { AgentContext } from "../context.ts";
import { textIfThere } from "#sys/if-there.ts";

export interface Gathered {
  readonly facts: Facts;
  readonly paths: DriftPaths;
  /** Digest of the image that is compared with. */
  readonly digest: string;
}

/**
 * @param options.onlyFiles asks systemd nothing, which is busy when a machine stops, and looks for no unknown data
 * @throws E_DRIFT_NOT_BOOTED, E_DRIFT_NOT_ROOT
 */
export async function gatherFacts(context: AgentContext, options: { readonly onlyFiles?: boolean } = {}): Promise<Gathered> {
  const { machine } = context;
  const { root } = machine;
  const mountinfo = textIfThere(join(root, "proc/self/mountinfo")) ?? "";
  const open = machine.booted === undefined ? undefined : openSession(root);
  // The image below an edit session is the one that ran when it began.
  const running = parseObjectId(open?.image ?? "") ?? (machine.running ?? machine.booted)?.digest;
  if (running === undefined)
    throw new AshlarError<DriftErrorCode>("E_DRIFT_NOT_BOOTED", "this computer does not run a generation of Ashlar", {
      hint: "run it on a machine made by `ashlar disk`",
    });
  if (process.getuid?.() !== 0)
    throw new AshlarError<DriftErrorCode>("E_DRIFT_NOT_ROOT", "what changed by hand can be read only by root", {
      hint: "sudo ashlar drift",
    });
  const system = systemOf(machine);
  const paths = driftPaths(root, system.state.etcMode, mountinfo);
  const image = viewImage(readImage(readFileSync(objectPath(machine.store, running))), (digest) => {
    const object = parseObjectId(digest);
    return object === undefined ? Buffer.alloc(0) : readFileSync(objectPath(machine.store, object));
  });
  const facts: Facts = {
    system,
    image,
    etc: readUpper(paths.etcUpper, "/etc"),
    runtimeUnits: runtimeUnits(root),
    units: options.onlyFiles === true ? { failed: [], stopped: [] } : await unitStates(system),
    sysctl: (key) => readSysctl(root, key),
    sysctlsLike: (pattern) => sysctlsLike(root, pattern),
    cmdline: (textIfThere(join(root, "proc/cmdline")) ?? "").trim(),
    entryOptions: entryOptions(machine.esp, machine.booted?.generation),
    mountinfo,
    unknown: options.onlyFiles === true ? [] : unknownState(root, declaredPaths(mountedRoot(root), system, keptPaths(machine))),
    session: open === undefined ? undefined : { ...open, changes: readUpper(join(paths.edit, "upper"), "/usr") },
  };
  return { facts, paths, digest: running };
}

/** Everything that differs, with owners. */
export function findingsOf({ facts, paths }: Gathered): OwnedFinding[] {
  const findings = inspect(facts);
  const packages = packagesOf(paths.packages, new Set(findings.flatMap(pathsOf)));
  return withOwners(findings, facts.system, packages);
}

/** As the entry has them now: somebody may have edited it after the start. */
function entryOptions(esp: string, generation: number | undefined): string | undefined {
  const entry = readLoader(esp).entries.find((each) => each.entry?.generation === generation);
  return entry === undefined ? undefined : parseFields(textIfThere(join(esp, ENTRIES, entry.fileName)) ?? "").get("options");
}
