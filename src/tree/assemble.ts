/**
 * From packages and a config to the finished tree, in two parts with one value between them: the base, which only packages
 * decide and which is cached, and what the config adds, which is pure and takes milliseconds.
 */
import type { System } from "#config/system.ts";
import type { Store } from "#store/store.ts";
import type { Contribution } from "./contribution.ts";
import { draftOf, finish, pathOf } from "./draft.ts";
import { applyLedger } from "./ids.ts";
import type { IdLedger } from "./ids.ts";
import { fixShadowDates } from "./normalise/accounts.ts";
import { relocateDatabase } from "./normalise/database.ts";
import { moveEnablement } from "./normalise/enablement.ts";
import { checkSensitive } from "./normalise/gate.ts";
import { relocateKernel } from "./normalise/kernel.ts";
import { unpackModules } from "./normalise/modules.ts";
import { classifyMutable } from "./normalise/mutable.ts";
import { dropResidue } from "./normalise/residue.ts";
import { renderAccounts } from "./render/accounts.ts";
import { contribute, renderFiles } from "./render/files.ts";
import { renderIdentity } from "./render/identity.ts";
import { networkServices, renderNetwork, renderSsh } from "./render/network.ts";
import { renderUnits } from "./render/units.ts";
import type { Tree } from "./tree.ts";

/**
 * What a build folder's scan needs to become a base: the same for every config with these packages.
 * @throws E_TREE_MODULE
 */
export async function normaliseBase(scanned: Tree, store: Store): Promise<Tree> {
  const draft = draftOf(scanned, store);
  dropResidue(draft);
  await unpackModules(draft);
  relocateKernel(draft);
  moveEnablement(draft);
  relocateDatabase(draft);
  fixShadowDates(draft);
  return finish(draft);
}

export interface AssembleRequest {
  readonly base: Tree;
  readonly system: System;
  readonly ids: IdLedger;
  /** sha256 of a local source file to its path. */
  readonly sources: ReadonlyMap<string, string>;
  /** What the boot stage and the agent add, in order. */
  readonly contributions: readonly Contribution[];
}

export interface Assembled {
  readonly tree: Tree;
  /** The ledger, grown by the names that were new. */
  readonly ids: IdLedger;
}

/**
 * Puts the config on top of the base.
 * @throws E_TREE_UNCLASSIFIED, E_TREE_SENSITIVE, E_TREE_UNKNOWN_UNIT, E_TREE_UNKNOWN_GROUP, E_TREE_UNKNOWN_USER, E_TREE_SOURCE_GONE
 */
export function assemble(request: AssembleRequest, store: Store): Assembled {
  const { system } = request;
  const draft = draftOf(request.base, store);
  const ids = renderAccounts(draft, system, applyLedger(draft, request.ids));
  renderIdentity(draft, system);
  renderNetwork(draft, system);
  renderSsh(draft, system);
  contribute(draft, request.contributions);
  renderFiles(draft, system, request.sources);
  renderUnits(draft, system, networkServices(draft, system));
  classifyMutable(draft, system.state.var, new Set([...Object.keys(system.files), ...Object.keys(system.links)].map(pathOf)));
  checkSensitive(draft);
  return { tree: finish(draft), ids };
}
