import { locked } from "#deployment/lock.ts";
import { floorsOf, readAllRecords } from "#deployment/records.ts";
import { stage } from "#deployment/stage.ts";
import type { StageResult } from "#deployment/stage.ts";
import { AshlarError } from "#errors";
import { layerNames } from "#deployment/layers.ts";
import type { DeployedLayers, LayerSet } from "#deployment/layers.ts";
import { fetchObjects } from "#registry/fetch-objects.ts";
import type { Fetched } from "#registry/fetch-objects.ts";
import { fetchRelease } from "#registry/fetch.ts";
import type { Image } from "#image/image.ts";
import type { Release, ReleaseObject } from "#registry/release.ts";
import { openSource } from "#registry/source.ts";
import { formatBytes, formatCount } from "#report/format.ts";
import { exec } from "#sys/exec.ts";
import { makeRoom } from "../collecting.ts";
import type { Step } from "#report/reporter.ts";
import { isEmpty } from "../../pipeline/layers/set.ts";
import { systemOf, withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { settleTrials } from "../health/judge.ts";
import { upgradeLayered } from "../layer-upgrade.ts";
import { basesOf, manifestsFrom } from "../bases.ts";
import { headOf, wantedOf } from "../layers.ts";

export interface UpgradeOptions {
  /** A folder or address; the System's `updates.source` when absent. */
  readonly from?: string;
  /** Stage an image that failed its trial before. */
  readonly retry?: boolean;
  /** Restart when a new generation is ready. */
  readonly reboot?: boolean;
}

export type UpgradeErrorCode = "E_UPGRADE_NO_SOURCE";

/** The image failed before: nothing is wrong with the machine, but a person has to decide. */
const EXIT_REFUSED = 3;

/** `ashlar upgrade`: fetches the newest release and makes it the next generation. */
export async function upgrade(context: AgentContext, options: UpgradeOptions): Promise<AgentResult> {
  const { machine, loader, report } = context;
  const system = systemOf(machine);
  const source = manifestsFrom(openSource(options.from ?? system.updates.source ?? noSource()), context);
  return locked(machine, "upgrade", async () => {
    await settleTrials(context);
    const { sequence } = floorsOf(readAllRecords(machine.deployments));
    const { release, address } = await report.step("look for a release", async (step) => {
      const trust = { trustedKeys: system.updates.keys, minimumSequence: sequence, name: system.name, now: context.now() };
      const found = await fetchRelease(source, trust);
      step.detail(`release ${found.release.sequence}, signed by ${found.key}`);
      return found;
    });
    const set = wantedOf(headOf(context));
    const from = { origin: address, sequence: release.sequence, retry: options.retry ?? false };
    const { result, image, quarantined } = await withStore(context, async (store) => {
      const staging = { image: release.image.digest, objects: release.objects.map(({ object }) => object) };
      const room = (): Promise<void> => makeRoom(context, store, staging);
      const bring = (objects: readonly ReleaseObject[], step: Step): Promise<Fetched> =>
        fetchObjects(source, objects, store, step, { image: release.image.digest, bases: basesOf(context) });
      if (!isEmpty(set)) return upgradeLayered({ release, set, from, makeRoom: room, bring }, store, context);
      const request = { image: release.image, objects: release.objects, ...from, now: context.now(), makeRoom: room, bring };
      return { result: await stage(request, { machine, loader, store, report }), image: release.image, quarantined: [] };
    });
    const reboot = options.reboot === true && (result.outcome === "staged" || result.outcome === "activated");
    if (reboot) await exec("systemctl", ["reboot"]);
    return withLayers(present(result, release, { image, reboot }), set, quarantined);
  });
}

/** @param image what starts: that of the release, or with the machine's layers on top */
function present(
  result: StageResult,
  release: Release,
  { image, reboot }: { readonly image: Image; readonly reboot: boolean },
): AgentResult {
  const json = { ...result, release: release.sequence, digest: image.digest, reboot };
  const restart = reboot ? "The machine restarts." : "It starts at the next reboot.";
  const text = {
    staged: () =>
      result.outcome === "staged"
        ? `Generation ${result.generation} (release ${release.sequence}) is ready; ${formatCount(result.fetched.objects, "object")}, ${formatBytes(result.fetched.bytes)}, are new; ${formatBytes(result.fetched.wire)} were downloaded. ${restart}`
        : "",
    activated: () => `Generation ${result.generation} (release ${release.sequence}) is on this machine already. ${restart}`,
    current: () => `Generation ${result.generation} is release ${release.sequence}, the newest: nothing to do.`,
    refused: () =>
      `Release ${release.sequence} failed its trial as generation ${result.generation} and was not staged again: \`ashlar why-failed ${result.generation}\` says why, \`ashlar upgrade --retry\` stages it nevertheless.`,
  }[result.outcome]();
  return { json, text, ...(result.outcome === "refused" ? { exitCode: EXIT_REFUSED } : {}) };
}

/** What became of the machine's own layers; nothing on a machine without. */
function withLayers(said: AgentResult, set: LayerSet, quarantined: DeployedLayers["quarantined"]): AgentResult {
  if (isEmpty(set)) return said;
  const lines = quarantined.map(({ layer, why }) => `left out: ${layer}: ${why}`);
  return { ...said, json: { ...said.json, layers: layerNames(set), quarantined }, text: [said.text, ...lines].join("\n") };
}

function noSource(): never {
  throw new AshlarError<UpgradeErrorCode>("E_UPGRADE_NO_SOURCE", "this system does not say where its updates come from", {
    hint: "name it once: ashlar upgrade --from ADDRESS; or for ever: `updates.source` in the config",
  });
}
