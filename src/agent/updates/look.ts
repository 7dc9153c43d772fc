/** Looks for a release as this machine is set up, and remembers what came of it. */
import { floorsOf, readAllRecords } from "#deployment/records.ts";
import { AshlarError, messageOf } from "#errors";
import { fetchRelease } from "#registry/fetch.ts";
import type { TrustOptions } from "#registry/fetch.ts";
import { openSource } from "#registry/source.ts";
import { DEFAULT_CHANNEL } from "#registry/trust/entries.ts";
import { trustError } from "#registry/trust/metadata.ts";
import { manifestsFrom } from "../bases.ts";
import { systemOf } from "../context.ts";
import type { AgentContext } from "../context.ts";
import { sourcesOf } from "./followed.ts";
import { writeLastLook } from "./last-look.ts";
import type { FoundRelease } from "./last-look.ts";
import { newestRelease } from "./newest.ts";
import type { Looking, Newest } from "./newest.ts";
import { readTrusted, writeTrusted } from "./trusted.ts";

export type LookErrorCode = "E_UPGRADE_NO_SOURCE";

export interface LookOptions {
  /** One address instead of those that the machine follows. */
  readonly from?: string | undefined;
  /** Take a release that nobody vouches for. */
  readonly unsafeUnsigned?: boolean | undefined;
}

/**
 * The newest release for this machine. Hold the machine's lock.
 * @throws E_UPGRADE_NO_SOURCE, E_TRUST_CLOCK, what `newestRelease` and `fetchRelease` throw; `ashlar status` tells of it
 */
export async function lookForRelease(context: AgentContext, { from, unsafeUnsigned }: LookOptions): Promise<Newest> {
  const { machine, report, now } = context;
  const addresses = from === undefined ? sourcesOf(machine, systemOf(machine)) : [from];
  if (addresses.length === 0) throw noSource();
  return report.step("look for a release", async (step) => {
    try {
      refuseWrongClock(context);
      const { problem, ...trust } = trustOf(context, unsafeUnsigned === true);
      if (problem !== undefined) step.note("warning", problem);
      const looking: Looking = {
        open: (address, http) => manifestsFrom(openSource(address, http), context),
        verify: (source) => fetchRelease(source, trust),
      };
      const newest = await newestRelease(addresses, looking, step);
      const { release, signers } = newest.verified;
      step.detail(`release ${release.sequence}, ${signers.length === 0 ? "signed by nobody" : `signed by ${signers.join(", ")}`}`);
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

function trustOf({ machine, now }: AgentContext, unsafeUnsigned: boolean): TrustOptions & { readonly problem?: string } {
  const system = systemOf(machine);
  const records = readAllRecords(machine.deployments);
  const running = records.deployments.find(({ image }) => image.digest === machine.running?.digest);
  const image = running?.layers?.base.digest ?? running?.composedFrom?.base ?? machine.running?.digest;
  return {
    ...readTrusted(machine, system),
    remember: (trusted, forget) => writeTrusted(machine, trusted, forget),
    channel: system.updates.channel ?? DEFAULT_CHANNEL,
    standing: { sequence: running?.unsigned === true ? undefined : running?.sequence, image },
    minimumSequence: floorsOf(records).sequence,
    name: system.name,
    now: now(),
    unsafeUnsigned,
  };
}

/** What has expired can be judged only by a clock that runs: no time is before the machine's own image. */
function refuseWrongClock({ machine, now }: AgentContext): void {
  const running = readAllRecords(machine.deployments).deployments.find(({ image }) => image.digest === machine.running?.digest);
  const built = running?.image.epoch ?? 0;
  if (now() >= built) return;
  const [clock, image] = [now(), built].map((seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " "));
  throw trustError(
    "E_TRUST_CLOCK",
    `this machine's clock says ${clock}, but what it runs was made at ${image}: no release can be judged`,
    "clock",
  );
}

function noSource(): AshlarError<LookErrorCode> {
  return new AshlarError("E_UPGRADE_NO_SOURCE", "this system does not say where its updates come from", {
    hint: "name it once: ashlar upgrade --from ADDRESS; or for ever: `updates.source` in the config, or ashlar switch ADDRESS",
  });
}
