/** The newest release that any of several sources has. Each is asked: a mirror that is behind must not hide what another one has. */
import { AshlarError, messageOf } from "#errors";
import type { VerifiedRelease } from "#registry/fetch.ts";
import type { HttpOptions } from "#registry/http.ts";
import type { ReleaseSource } from "#registry/stream.ts";
import type { Step } from "#report/reporter.ts";

export interface PassedOver {
  readonly address: string;
  readonly why: string;
}

export interface Newest {
  readonly verified: VerifiedRelease;
  /** Those that have this release, in order: the first is where it comes from. */
  readonly sources: readonly ReleaseSource[];
  readonly passed: readonly PassedOver[];
}

interface Failed extends PassedOver {
  readonly cause: Error;
}

/** How a source is opened, and what makes its release one for this machine. */
export interface Looking {
  readonly open: (address: string, http: HttpOptions) => ReleaseSource;
  readonly verify: (source: ReleaseSource) => Promise<VerifiedRelease>;
}

const IMPATIENT = { retries: 1, stall: 10_000 };

export type UpdateErrorCode = "E_UPDATE_SOURCES";

/**
 * Asks one source after the other; what is wrong with one is told, and counts only when no other has a release.
 * @throws what `verify` throws when there is one source; E_UPDATE_SOURCES when there are several and none helps
 */
export async function newestRelease(addresses: readonly string[], { open, verify }: Looking, step: Step): Promise<Newest> {
  const found: { readonly source: ReleaseSource; readonly verified: VerifiedRelease }[] = [];
  const passed: Failed[] = [];
  for (const address of addresses) {
    try {
      // Where there are others, one that does not answer is not worth a minute.
      const source = open(address, addresses.length > 1 ? IMPATIENT : {});
      found.push({ source, verified: await verify(source) });
    } catch (error) {
      passed.push({ address, why: messageOf(error), cause: asFailure(error) });
    }
  }
  const newest = found.toSorted((a, b) => b.verified.release.sequence - a.verified.release.sequence)[0]?.verified;
  if (newest === undefined) throw noneHelps(passed);
  const same = found.filter(
    ({ verified: { release } }) => release.sequence === newest.release.sequence && release.image.digest === newest.release.image.digest,
  );
  const behind = found.filter((each) => !same.includes(each));
  const all = [
    ...passed.map(({ address, why }) => ({ address, why })),
    ...behind.map(({ source, verified }) => ({
      address: source.address,
      why: `it has release ${verified.release.sequence}, which is behind`,
    })),
  ];
  for (const { address, why } of all) step.note("warning", `passed over ${address}: ${why}`);
  return { verified: same[0]?.verified ?? newest, sources: same.map(({ source }) => source), passed: all };
}

function noneHelps(passed: readonly Failed[]): Error {
  const [first, ...others] = passed;
  if (first !== undefined && others.length === 0) return first.cause;
  return new AshlarError<UpdateErrorCode>(
    "E_UPDATE_SOURCES",
    `none of the ${passed.length} sources has a release for this machine:\n${passed.map(({ address, why }) => `  ${address}: ${why}`).join("\n")}`,
    {
      cause: first?.cause,
      hint: (first?.cause instanceof AshlarError ? first.cause.hint : undefined) ?? "name another one: ashlar upgrade --from ADDRESS",
      details: { sources: passed.map(({ address, why, cause }) => ({ address, why, code: "code" in cause ? cause.code : undefined })) },
    },
  );
}

/** What a source can do wrong: an error with a code, Ashlar's or the system's (a stick that was pulled out). Others are mistakes. */
export function asFailure(error: unknown): Error {
  if (error instanceof Error && "code" in error) return error;
  throw error;
}
