/** The InRelease of one suite: from the cache, or fetched, verified and kept. */
import type { ArchiveContext, ArchiveRequest } from "./context.ts";
import { archiveError, offline } from "./errors.ts";
import { getBytes } from "./http.ts";
import { debianArchiveKeys } from "./keyring.ts";
import type { LockedArchive } from "#lock/lock.ts";
import { findMirror } from "./mirror.ts";
import type { ArchiveRoot } from "./mirror.ts";
import { verifyRelease } from "./release.ts";
import type { Release } from "./release.ts";
import { readNewest, readVerified, sha256Of, writeBlob, writeNewest, writeVerified } from "./snapshot.ts";

/** Debian's is 140 kB. */
const RELEASE_LIMIT = 8 * 1024 ** 2;
/** How far a Release may be dated into the future, for clocks that are wrong by a time zone. */
const CLOCK_SLACK = 24 * 3600 * 1000;

export interface ReleaseRequest {
  readonly root: ArchiveRoot;
  readonly suite: string;
  readonly refresh: ArchiveRequest["refresh"];
  readonly snapshot?: LockedArchive;
}

export interface FoundRelease {
  readonly release: Release;
  readonly sha256: string;
  readonly fetched: boolean;
}

/** @throws E_ARCHIVE_SIGNATURE, E_ARCHIVE_EXPIRED, E_ARCHIVE_MISMATCH, E_ARCHIVE_ROLLBACK, E_ARCHIVE_UNREACHABLE, E_ARCHIVE_OFFLINE */
export async function openRelease(request: ReleaseRequest, context: ArchiveContext): Promise<FoundRelease> {
  const { workspace } = context;
  const newest = readNewest(workspace, request.root, request.suite);
  const wanted = request.snapshot?.release ?? newest?.release;
  if (wanted !== undefined && request.refresh !== "always") {
    const release = readVerified(workspace, wanted);
    if (release !== undefined) return { release, sha256: wanted, fetched: false };
  }
  const path = `${request.root}/dists/${request.suite}/InRelease`;
  if (request.refresh === "never") throw offline(path);
  const mirror = context.mirror ?? findMirror();
  const content = await getBytes(`${mirror[request.root]}/dists/${request.suite}/InRelease`, { path, limit: RELEASE_LIMIT });
  if (content === undefined)
    throw archiveError("E_ARCHIVE_UNREACHABLE", `the mirror has no ${path}`, {
      hint: `check distribution.suite in the config; "${request.suite}" is what was asked for`,
    });
  const release = await verifyRelease(content, context.keys ?? debianArchiveKeys(), path);
  checkRelease(release, { path, suite: request.suite, now: context.now ?? Date.now(), newest: newest?.date });
  const sha256 = sha256Of(content);
  writeBlob(workspace, sha256, content);
  writeVerified(workspace, sha256, release);
  writeNewest(workspace, request, { release: sha256, date: release.date });
  return { release, sha256, fetched: true };
}

interface ReleaseExpectation {
  readonly path: string;
  readonly suite: string;
  readonly now: number;
  /** Date of the newest Release seen before. */
  readonly newest: string | undefined;
}

function checkRelease(release: Release, { path, suite, now, newest }: ReleaseExpectation): void {
  const again = { hint: "check this machine's clock; then try another mirror (ASHLAR_MIRROR)" };
  if (release.codename !== suite && release.suite !== suite)
    throw archiveError("E_ARCHIVE_MISMATCH", `${path} is the Release of ${release.codename} (${release.suite}), not of ${suite}`, again);
  if (release.validUntil !== undefined && Date.parse(release.validUntil) < now)
    throw archiveError("E_ARCHIVE_EXPIRED", `${path} expired at ${release.validUntil}; it is now ${new Date(now).toISOString()}`, again);
  if (Date.parse(release.date) > now + CLOCK_SLACK)
    throw archiveError("E_ARCHIVE_EXPIRED", `${path} is dated ${release.date}; it is now ${new Date(now).toISOString()}`, again);
  if (newest !== undefined && Date.parse(release.date) < Date.parse(newest))
    throw archiveError("E_ARCHIVE_ROLLBACK", `${path} is dated ${release.date}, older than the one of ${newest} seen before`, again);
}
