/** The layers of this machine: which generation's they are, and how a new set becomes the next generation. */
import { join } from "node:path";
import { findMirror } from "#archive/mirror.ts";
import type { Mirror } from "#archive/mirror.ts";
import type { Deployment } from "#deployment/deployment.ts";
import { generationsOf } from "#deployment/generations.ts";
import { layerNames, shortReason } from "#deployment/layers.ts";
import type { DeployedLayers, LayerSet } from "#deployment/layers.ts";
import { readAllRecords } from "#deployment/records.ts";
import { AshlarError, messageOf } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import type { Image } from "#image/image.ts";
import type { LayerLock } from "#lock/layers.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import { readBase } from "../pipeline/layers/base.ts";
import type { LayerBase } from "../pipeline/layers/base.ts";
import { deriveImage } from "../pipeline/layers/derive.ts";
import { resolveSet } from "../pipeline/layers/resolve.ts";
import type { ResolvedSet } from "../pipeline/layers/resolve.ts";
import { NO_LAYERS, isEmpty, onlyMembers, withoutMembers } from "../pipeline/layers/set.ts";
import type { AgentContext } from "./context.ts";

export interface Layered {
  readonly image: Image;
  /** Absent when nothing is wanted on top of the base. */
  readonly layers?: DeployedLayers;
}

export interface LayerRequest {
  /** The released image; it and its objects are in the store. */
  readonly base: Image;
  readonly set: LayerSet;
  /** Members that may be left out when the base cannot have them. */
  readonly mayStayOut: ReadonlySet<string>;
  /** What was resolved on the same base before: its archives are used again. */
  readonly before?: DeployedLayers;
}

/** The generation whose layers a change begins with: the one that starts next. */
export function headOf({ machine, loader }: AgentContext): Deployment | undefined {
  const generations = generationsOf(machine, readAllRecords(machine.deployments), loader.entries());
  return (generations.find(({ next }) => next) ?? generations.find(({ booted }) => booted) ?? generations.at(-1))?.deployment;
}

export const wantedOf = (deployment: Deployment | undefined): LayerSet => deployment?.layers?.set ?? NO_LAYERS;

/** Derives the image of a set on a base, in the machine's store. @throws what resolving and deriving throw */
export async function deriveLayers(request: LayerRequest, store: Store, context: AgentContext): Promise<Layered> {
  if (isEmpty(request.set)) return { image: request.base };
  const base = withArchivesOf(readBase(request.base, store), request, store);
  const workspace = openWorkspace(join(context.machine.root, "var/cache/ashlar"));
  const mirror = mirrorOf(base);
  const inner = { workspace, report: context.report, ...(mirror === undefined ? {} : { mirror }) };
  const toolchain = await openToolchain("layers", inner);
  const resolved = await resolveSet(request.set, base, { mayStayOut: request.mayStayOut, store }, { ...inner, toolchain });
  const { image, left } = await deriveOrLeaveOut(resolved, base, request, { ...inner, toolchain, store });
  const lock = store.add(Buffer.from(canonicalJson(left.lock)));
  return { image, layers: { base: request.base, set: request.set, lock, quarantined: left.quarantined } };
}

interface DeriveParts {
  readonly workspace: ReturnType<typeof openWorkspace>;
  readonly report: AgentContext["report"];
  readonly mirror?: Mirror;
  readonly toolchain: Toolchain;
  readonly store: Store;
}

/** Some packages resolve, but their scripts fail on this base: those who brought them stay out, as often as it takes. */
async function deriveOrLeaveOut(
  resolved: ResolvedSet,
  base: LayerBase,
  { mayStayOut, set }: LayerRequest,
  parts: DeriveParts,
): Promise<{ image: Image; left: ResolvedSet }> {
  try {
    const { image } = await deriveImage({ base, ...resolved }, parts.store, parts);
    return { image, left: resolved };
  } catch (error) {
    if (!(error instanceof AshlarError) || !/^E_(TREE|LAYER_(CONFLICT|FOLDER|KERNEL))/.test(error.code)) throw error;
    const out = await culprits(error, resolved, base, parts);
    if (out.length === 0 || !out.every((name) => mayStayOut.has(name))) throw error;
    const why = shortReason(messageOf(error));
    const quarantined = [...resolved.quarantined, ...out.map((layer) => ({ layer, why }))];
    const rest = withoutMembers(set, new Set(quarantined.map(({ layer }) => layer)));
    const { lock } = await resolveSet(rest, base, { mayStayOut: new Set(), store: parts.store }, parts);
    return deriveOrLeaveOut({ applied: rest, lock, quarantined }, base, { base: base.image, mayStayOut, set }, parts);
  }
}

/** Those members that need the package whose script failed; all of them when it is not known which. */
async function culprits(error: AshlarError, { applied }: ResolvedSet, base: LayerBase, parts: DeriveParts): Promise<string[]> {
  const names = layerNames(applied);
  const { package: failed } = error.details;
  if (typeof failed !== "string") return names;
  const need = await Promise.all(
    names.map(async (name) => {
      const { lock } = await resolveSet(onlyMembers(applied, new Set([name])), base, { mayStayOut: new Set(), store: parts.store }, parts);
      return lock.packages.some((locked) => locked.name === failed.split(":")[0]);
    }),
  );
  const found = names.filter((_name, at) => need[at]);
  return found.length === 0 ? names : found;
}

/** A change of the set alone is resolved on the snapshot that the others came from. */
function withArchivesOf(base: LayerBase, { before }: LayerRequest, store: Store): LayerBase {
  if (before === undefined || before.base.digest !== base.image.digest) return base;
  const { archives } = lockOf(before.lock, store);
  return archives.length === 0 ? base : { ...base, archives };
}

export function lockOf(lock: ObjectId, store: Store): LayerLock {
  return JSON.parse(store.read(lock).toString()) as LayerLock;
}

/** ASHLAR_MIRROR, else what the config says, else apt's own sources (looked up when something must be fetched). */
function mirrorOf({ system }: LayerBase): Mirror | undefined {
  const { mirror } = system.updates;
  return process.env["ASHLAR_MIRROR"] || mirror === undefined ? undefined : findMirror({ env: { ASHLAR_MIRROR: mirror } });
}
