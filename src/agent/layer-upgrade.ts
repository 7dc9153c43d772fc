/** An upgrade of a machine with layers: the release is fetched as always, then the layers are derived on it again. */
import type { Deployment } from "#deployment/deployment.ts";
import { layerNames, sameLayers } from "#deployment/layers.ts";
import type { DeployedLayers, LayerSet } from "#deployment/layers.ts";
import { readAllRecords } from "#deployment/records.ts";
import { holdSpace } from "#deployment/space.ts";
import type { StageResult } from "#deployment/stage.ts";
import type { Image } from "#image/image.ts";
import type { Fetched } from "#registry/fetch-objects.ts";
import type { Release, ReleaseObject } from "#registry/release.ts";
import type { Step } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import type { AgentContext } from "./context.ts";
import { stageLayered } from "./layer-stage.ts";
import type { StageOrigin } from "./layer-stage.ts";
import { deriveLayers } from "./layers.ts";
import type { Layered } from "./layers.ts";

export interface LayeredUpgrade {
  readonly release: Release;
  readonly set: LayerSet;
  readonly from: StageOrigin;
  readonly makeRoom: () => Promise<void>;
  readonly bring: (objects: readonly ReleaseObject[], step: Step) => Promise<Fetched>;
}

export interface LayeredResult {
  readonly result: StageResult;
  /** The release with the layers on top. */
  readonly image: Image;
  readonly quarantined: DeployedLayers["quarantined"];
}

/**
 * Stages a release with the machine's layers. Members that the new base cannot have stay out and are tried again with the
 * next one; that the mirror cannot be reached is no such case, and ends the upgrade.
 * @throws what staging, fetching, resolving and deriving throw
 */
export async function upgradeLayered(upgrade: LayeredUpgrade, store: Store, context: AgentContext): Promise<LayeredResult> {
  const known = derivedBefore(upgrade, context);
  const layered = known ?? (await deriveAnew(upgrade, store, context));
  const { fetched, ...target } = layered;
  const result = await stageLayered(target, upgrade.from, store, context);
  return {
    result: result.outcome === "staged" && fetched !== undefined ? { ...result, fetched } : result,
    image: target.image,
    quarantined: target.layers?.quarantined ?? [],
  };
}

type Fetchable = Layered & { readonly fetched?: Fetched };

async function deriveAnew({ release, set, makeRoom, bring }: LayeredUpgrade, store: Store, context: AgentContext): Promise<Fetchable> {
  const { machine, loader, report } = context;
  await makeRoom();
  // Only looked at: what deriving writes comes on top, and staging looks again.
  holdSpace({ image: release.image, objects: release.objects }, { machine, loader, store })[Symbol.dispose]();
  const fetched = await report.step("fetch what is missing", (step) => bring(release.objects, step));
  store.addImage(release.image.digest);
  store.flush();
  return { ...(await deriveLayers({ base: release.image, set, mayStayOut: new Set(layerNames(set)) }, store, context)), fetched };
}

/** The same set on the same base was derived already: nothing has to be fetched to know that. */
function derivedBefore({ release, set }: LayeredUpgrade, { machine }: AgentContext): Fetchable | undefined {
  const wanted = (deployment: Deployment): boolean =>
    deployment.layers !== undefined && sameLayers(deployment.layers, { ...deployment.layers, base: release.image, set });
  const found = readAllRecords(machine.deployments).deployments.findLast(wanted);
  return found?.layers === undefined ? undefined : { image: found.image, layers: found.layers };
}
