/** Looks for a release as this machine is set up, and remembers what came of it. */
import { floorsOf, readAllRecords } from "#deployment/records.ts";
import { AshlarError, messageOf } from "#errors";
import { fetchRelease } from "#registry/fetch.ts";
import type { TrustOptions } from "#registry/fetch.ts";
import { openSource } from "#registry/source.ts";
import { manifestsFrom } from "../bases.ts";
import { systemOf } from "../context.ts";
import type { AgentContext } from "../context.ts";
import { sourcesOf } from "./followed.ts";
import { writeLastLook } from "./last-look.ts";
import type { FoundRelease } from "./last-look.ts";
import { newestRelease } from "./newest.ts";
import type { Looking, Newest } from "./newest.ts";

export type LookErrorCode = "E_UPGRADE_NO_SOURCE";

/**
 * The newest release for this machine. Hold the machine's lock.
 * @param from one address instead of those that the machine follows
 * @throws E_UPGRADE_NO_SOURCE, what `newestRelease` and `fetchRelease` throw; `ashlar status` tells of it
 */
export async function lookForRelease(context: AgentContext, from: string | undefined): Promise<Newest> {
  const { machine, report, now } = context;
  const addresses = from === undefined ? sourcesOf(machine, systemOf(machine)) : [from];
  if (addresses.length === 0) throw noSource();
  const trust = trustOf(context);
  return report.step("look for a release", async (step) => {
    try {
      const looking: Looking = {
        open: (address, http) => manifestsFrom(openSource(address, http), context),
        verify: (source) => fetchRelease(source, trust),
      };
      const newest = await newestRelease(addresses, looking, step);
      const { release, key } = newest.verified;
      step.detail(`release ${release.sequence}, signed by ${key}`);
      return newest;
    } catch (error) {
      writeLastLook(machine, { when: now(), passed: [], failure: messageOf(error) });
      throw error;
    }
  });
}

/** What `ashlar status` says from now on. */
export function rememberLook(
  context: AgentContext,
  newest: Newest,
  found: Pick<FoundRelease, "missing" | "wire" | "downloaded" | "plan">,
): FoundRelease {
  const { machine, now } = context;
  const { release } = newest.verified;
  const running = readAllRecords(machine.deployments).deployments.find(({ image }) => image.digest === machine.running?.digest)?.image;
  const remembered: FoundRelease = {
    sequence: release.sequence,
    image: release.image.digest,
    address: newest.sources[0]?.address ?? newest.verified.address,
    kernel: running !== undefined && JSON.stringify(running.kernel) !== JSON.stringify(release.image.kernel),
    ...found,
  };
  writeLastLook(machine, { when: now(), release: remembered, passed: newest.passed });
  return remembered;
}

function trustOf({ machine, now }: AgentContext): TrustOptions {
  const { name, updates } = systemOf(machine);
  const { sequence } = floorsOf(readAllRecords(machine.deployments));
  return { trustedKeys: updates.keys, minimumSequence: sequence, name, now: now() };
}

function noSource(): AshlarError<LookErrorCode> {
  return new AshlarError("E_UPGRADE_NO_SOURCE", "this system does not say where its updates come from", {
    hint: "name it once: ashlar upgrade --from ADDRESS; or for ever: `updates.source` in the config, or ashlar switch ADDRESS",
  });
}
