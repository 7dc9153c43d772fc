import { layerNames } from "#deployment/layers.ts";
import type { DeployedLayers, LayerSet } from "#deployment/layers.ts";
import { locked } from "#deployment/lock.ts";
import { stage } from "#deployment/stage.ts";
import type { StageResult } from "#deployment/stage.ts";
import type { Fetched } from "#registry/fetch-objects.ts";
import type { Image } from "#image/image.ts";
import type { ReleaseObject } from "#registry/release.ts";
import { formatBytes, formatCount } from "#report/format.ts";
import type { Step } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
import { isEmpty } from "../../pipeline/layers/set.ts";
import { basesOf } from "../bases.ts";
import { makeRoom } from "../collecting.ts";
import { systemOf, withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { settleTrials } from "../health/judge.ts";
import { upgradeLayered } from "../layer-upgrade.ts";
import { headOf, wantedOf } from "../layers.ts";
import { bringObjects } from "../updates/bring.ts";
import type { Bringing } from "../updates/bring.ts";
import { refusePartial } from "../updates/carried.ts";
import { forgetDownload } from "../updates/downloaded.ts";
import { lookForRelease, rememberLook } from "../updates/look.ts";
import type { LookOptions } from "../updates/look.ts";
import type { Newest } from "../updates/newest.ts";

export interface UpgradeOptions extends LookOptions {
  /** Stage an image that failed its trial before. */
  readonly retry?: boolean;
  /** Restart when a new generation is ready. */
  readonly reboot?: boolean;
  /** Called when a release was taken, or is here already; before any restart. */
  readonly accepted?: () => void;
}

/** The image failed before: nothing is wrong with the machine, but a person has to decide. */
const EXIT_REFUSED = 3;

/** `ashlar upgrade`: fetches the newest release and makes it the next generation. */
export async function upgrade(context: AgentContext, options: UpgradeOptions): Promise<AgentResult> {
  const { machine, loader, report } = context;
  return locked(context, "upgrade", async () => {
    await settleTrials(context);
    const newest = await lookForRelease(context, options);
    const { release, address, signers } = newest.verified;
    const set = wantedOf(headOf(context));
    const from = {
      origin: address,
      sequence: release.sequence,
      retry: options.retry ?? false,
      ...(signers.length === 0 ? { unsigned: true as const } : {}),
    };
    const bringing = bringingOf(context, newest);
    const { result, image, quarantined } = await withStore(context, async (store) => {
      const staging = { image: release.image.digest, objects: release.objects.map(({ object }) => object) };
      const room = (): Promise<void> => makeRoom(context, store, staging);
      const bring = async (objects: readonly ReleaseObject[], step: Step): Promise<Fetched> => {
        await refusePartial(bringing.sources, objects, store);
        return bringObjects(bringing, objects, store, step);
      };
      const staged = isEmpty(set)
        ? {
            result: await stage(
              { image: release.image, objects: release.objects, ...from, now: context.now(), makeRoom: room, bring },
              { machine, loader, store, report },
            ),
            image: release.image,
            quarantined: [],
          }
        : await upgradeLayered({ release, set, from, makeRoom: room, bring }, store, context);
      forgetDownload(store);
      return staged;
    });
    rememberLook(context, newest, { missing: { objects: 0, bytes: 0 }, downloaded: true });
    if (result.outcome !== "refused") options.accepted?.();
    const reboot = options.reboot === true && (result.outcome === "staged" || result.outcome === "activated");
    if (reboot) await exec("systemctl", ["reboot"]);
    return withLayers(present(result, { newest, bringing, image, reboot }), set, quarantined);
  });
}

/** How the objects of a release come to this machine. */
export function bringingOf(context: AgentContext, { verified, sources, passed }: Newest): Bringing {
  const { updates } = systemOf(context.machine);
  // Systems of an older Ashlar, which a composed generation can have, know no neighbours.
  const neighbours: readonly string[] | undefined = (updates.neighbours as { ask?: readonly string[] } | undefined)?.ask;
  return {
    image: verified.release.image.digest,
    sources,
    bases: basesOf(context),
    neighbours: neighbours ?? [],
    passed: [...passed],
    served: [],
  };
}

interface Done {
  readonly newest: Newest;
  readonly bringing: Bringing;
  /** What starts: that of the release, or with the machine's layers on top. */
  readonly image: Image;
  readonly reboot: boolean;
}

function present(result: StageResult, { newest, bringing, image, reboot }: Done): AgentResult {
  const { release } = newest.verified;
  const { served, passed } = bringing;
  const { signers, barrierTo } = newest.verified;
  const json = {
    ...result,
    release: release.sequence,
    digest: image.digest,
    signers,
    reboot,
    served,
    passed,
    ...(barrierTo === undefined ? {} : { barrierTo }),
  };
  const restart = reboot ? "The machine restarts." : "It starts at the next reboot.";
  const where = served.length === 0 || (served.length === 1 && passed.length === 0) ? "" : ` from ${served.join(" and ")}`;
  const text = {
    staged: () =>
      result.outcome === "staged"
        ? `Generation ${result.generation} (release ${release.sequence}) is ready; ${formatCount(result.fetched.objects, "object")}, ${formatBytes(result.fetched.bytes)}, are new; ${formatBytes(result.fetched.wire)} were downloaded${where}. ${restart}`
        : "",
    activated: () => `Generation ${result.generation} (release ${release.sequence}) is on this machine already. ${restart}`,
    current: () => `Generation ${result.generation} is release ${release.sequence}, the newest: nothing to do.`,
    refused: () =>
      `Release ${release.sequence} failed its trial as generation ${result.generation} and was not staged again: \`ashlar why-failed ${result.generation}\` says why, \`ashlar upgrade --retry\` stages it nevertheless.`,
  }[result.outcome]();
  const lines = [
    text,
    ...(signers.length === 0 ? ["Nobody vouches for it: it was taken because of --unsafe-unsigned."] : []),
    ...(barrierTo === undefined ? [] : [`Release ${barrierTo} comes after it: this one has to run first.`]),
  ];
  return { json, text: lines.join("\n"), ...(result.outcome === "refused" ? { exitCode: EXIT_REFUSED } : {}) };
}

/** What became of the machine's own layers; nothing on a machine without. */
function withLayers(said: AgentResult, set: LayerSet, quarantined: DeployedLayers["quarantined"]): AgentResult {
  if (isEmpty(set)) return said;
  const lines = quarantined.map(({ layer, why }) => `left out: ${layer}: ${why}`);
  return { ...said, json: { ...said.json, layers: layerNames(set), quarantined }, text: [said.text, ...lines].join("\n") };
}
