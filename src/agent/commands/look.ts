/** `ashlar upgrade --check` and `--download`: as far as that, and no generation changes. */
import { holdSpace } from "#deployment/space.ts";
import { locked } from "#deployment/lock.ts";
import { generationsOf } from "#deployment/generations.ts";
import { readAllRecords } from "#deployment/records.ts";
import type { Release } from "#registry/release.ts";
import { makeRoom } from "../collecting.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { bringObjects, estimateWire, missingOf } from "../updates/bring.ts";
import { refusePartial } from "../updates/carried.ts";
import { noteDownload } from "../updates/downloaded.ts";
import { describeRelease } from "../updates/last-look.ts";
import type { FoundRelease } from "../updates/last-look.ts";
import { lookForRelease, rememberLook } from "../updates/look.ts";
import type { LookOptions } from "../updates/look.ts";
import type { Newest } from "../updates/newest.ts";
import { planOfRelease } from "../updates/release-plan.ts";
import { bringingOf } from "./upgrade.ts";

/** Looks, and says what an upgrade would bring. */
export async function check(context: AgentContext, options: LookOptions): Promise<AgentResult> {
  return locked(context, "upgrade --check", async () => {
    const newest = await lookForRelease(context, options);
    const { release } = newest.verified;
    const bringing = bringingOf(context, newest);
    const { missing, wire } = await withStore(context, async (store) => ({
      missing: missingOf(release.objects, store),
      wire: await estimateWire(bringing, release.objects, store),
    }));
    const downloaded = missing.objects === 0;
    const plan = downloaded ? await planOfRelease(context, newest) : undefined;
    const found = rememberLook(context, newest, {
      missing,
      downloaded,
      ...(wire === undefined ? {} : { wire }),
      ...(plan === undefined ? {} : { plan }),
    });
    return told(context, newest, found);
  });
}

/** Fetches everything of the newest release, and leaves it at that. */
export async function download(context: AgentContext, options: LookOptions): Promise<AgentResult> {
  const { machine, loader, report } = context;
  return locked(context, "upgrade --download", async () => {
    const newest = await lookForRelease(context, options);
    const { release } = newest.verified;
    if (generationWith(context, release) === undefined) {
      const bringing = bringingOf(context, newest);
      await withStore(context, async (store) => {
        const objects = release.objects.map(({ object }) => object);
        await makeRoom(context, store, { image: release.image.digest, objects });
        await refusePartial(bringing.sources, release.objects, store);
        // Noted first: what arrives before a stop is kept as soon as the image is among it.
        noteDownload(store, release);
        using space = holdSpace({ image: release.image, objects: release.objects }, { machine, loader, store });
        await report.step("fetch what is missing", (step) => {
          space.arrived(1);
          return bringObjects(bringing, release.objects, store, step);
        });
        store.flush();
      });
    }
    const plan = await planOfRelease(context, newest);
    const found = rememberLook(context, newest, {
      missing: { objects: 0, bytes: 0 },
      downloaded: true,
      ...(plan === undefined ? {} : { plan }),
    });
    return told(context, newest, found);
  });
}

function told(context: AgentContext, { verified: { release }, passed }: Newest, found: FoundRelease): AgentResult {
  const generation = generationWith(context, release);
  const json = {
    outcome: generation === undefined ? (found.downloaded ? "downloaded" : "available") : "current",
    ...found,
    generation,
    passed,
  };
  return { json, text: describeRelease(found, generation) };
}

/** The generation of this machine that is a release, and can be started. */
function generationWith({ machine, loader }: AgentContext, { image }: Release): number | undefined {
  const generations = generationsOf(machine, readAllRecords(machine.deployments), loader.entries());
  return generations.findLast(({ deployment, entry }) => entry !== undefined && deployment.image.digest === image.digest)?.number;
}
