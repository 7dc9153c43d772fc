/**
 * The verified archive: InRelease by its signature, Packages by the hash in InRelease, packages by the hash in Packages.
 * What was fetched is kept; a lock made from it can be used again without network.
 */
import { AshlarError } from "#errors";
import { decompress } from "#formats/decompress.ts";
import { parsePackageIndex } from "#formats/package-index.ts";
import type { PackageIndex } from "#formats/package-index.ts";
import type { Reporter, Step } from "#report/reporter.ts";
import type { Workspace } from "#workspace";
import { lockError } from "./errors.ts";
import { getBytes } from "./http.ts";
import { debianArchiveKeys } from "./keyring.ts";
import type { LockedArchive } from "./lock.ts";
import { findMirror } from "./mirror.ts";
import type { ArchiveRoot, Mirror } from "./mirror.ts";
import { verifyRelease } from "./release.ts";
import type { Release } from "./release.ts";
import { blobPath, readBlob, readNewest, readVerified, sha256Of, writeBlob, writeNewest, writeVerified } from "./snapshot.ts";

export interface ArchiveRequest {
  /** "trixie"; its -updates and -security belong to it. */
  readonly suite: string;
  readonly architecture: string;
  readonly components: readonly string[];
  /** Exactly these snapshots, as a lock names them; else the newest one known. */
  readonly snapshots?: readonly LockedArchive[];
  /** Whether to ask the mirror: always, only for what is not known yet, or never. */
  readonly refresh: "always" | "missing" | "never";
}

export interface ArchiveContext {
  readonly workspace: Workspace;
  readonly report: Reporter;
  /** This machine's mirror unless given. */
  readonly mirror?: Mirror;
  /** Armored keys to trust; Debian's unless given. */
  readonly keys?: readonly string[];
  /** Milliseconds since 1970; for expiry. */
  readonly now?: number;
}

/** One component's index of one suite. */
export interface ComponentIndex {
  readonly component: string;
  /** sha256 of the plain Packages file, and where it is kept. */
  readonly sha256: string;
  readonly file: string;
  readonly index: PackageIndex;
}

export interface Archive extends LockedArchive {
  readonly indexes: readonly ComponentIndex[];
}

/** Debian's Packages of main is 60 MB; ten times that is no index. */
const INDEX_LIMIT = 600 * 1024 ** 2;
const RELEASE_LIMIT = 8 * 1024 ** 2;
/** How far a Release may be dated into the future, for clocks that are wrong by a time zone. */
const CLOCK_SLACK = 24 * 3600 * 1000;

/** The archives of a suite with their indexes, in the order in which they are asked for a package. @throws E_ARCHIVE_* */
export async function openArchives(request: ArchiveRequest, context: ArchiveContext): Promise<Archive[]> {
  return context.report.step("read package lists", async (step) => {
    const inner = { ...context, report: step };
    const archives: Archive[] = [];
    let fetched = false;
    for (const { root, suite } of suitesOf(request.suite)) {
      const snapshot = request.snapshots?.find((candidate) => candidate.root === root && candidate.suite === suite);
      const found = await openRelease({ root, suite, refresh: request.refresh, ...(snapshot === undefined ? {} : { snapshot }) }, inner);
      const indexes: ComponentIndex[] = [];
      for (const component of request.components) {
        const opened = await openIndex({ root, suite, component, architecture: request.architecture }, found.release, inner);
        fetched ||= opened.fetched;
        indexes.push(opened);
      }
      fetched ||= found.fetched;
      archives.push({ root, suite, components: request.components, date: found.release.date, release: found.sha256, indexes });
    }
    if (!fetched) step.cached();
    return archives;
  });
}

/** The suites of a release with the archive that has each. */
export function suitesOf(suite: string): { readonly root: ArchiveRoot; readonly suite: string }[] {
  return [suite, `${suite}-updates`, `${suite}-security`].map((name) => ({ root: suiteRoot(name), suite: name }));
}

/** Which archive has a suite. */
export function suiteRoot(suite: string): ArchiveRoot {
  return suite.endsWith("-security") ? "debian-security" : "debian";
}

interface ReleaseRequest {
  readonly root: ArchiveRoot;
  readonly suite: string;
  readonly refresh: ArchiveRequest["refresh"];
  readonly snapshot?: LockedArchive;
}

interface FoundRelease {
  readonly release: Release;
  readonly sha256: string;
  readonly fetched: boolean;
}

async function openRelease(request: ReleaseRequest, context: ArchiveContext): Promise<FoundRelease> {
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
    throw lockError("E_ARCHIVE_UNREACHABLE", `the mirror has no ${path}`, {
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
    throw lockError("E_ARCHIVE_MISMATCH", `${path} is the Release of ${release.codename} (${release.suite}), not of ${suite}`, again);
  if (release.validUntil !== undefined && Date.parse(release.validUntil) < now)
    throw lockError("E_ARCHIVE_EXPIRED", `${path} expired at ${release.validUntil}; it is now ${new Date(now).toISOString()}`, again);
  if (Date.parse(release.date) > now + CLOCK_SLACK)
    throw lockError("E_ARCHIVE_EXPIRED", `${path} is dated ${release.date}; it is now ${new Date(now).toISOString()}`, again);
  if (newest !== undefined && Date.parse(release.date) < Date.parse(newest))
    throw lockError("E_ARCHIVE_ROLLBACK", `${path} is dated ${release.date}, older than the one of ${newest} seen before`, again);
}

interface IndexRequest {
  readonly root: ArchiveRoot;
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
}

async function openIndex(
  request: IndexRequest,
  release: Release,
  context: ArchiveContext & { readonly report: Reporter },
): Promise<ComponentIndex & { readonly fetched: boolean }> {
  const { root, suite, component, architecture } = request;
  const name = `${component}/binary-${architecture}/Packages`;
  const path = `${root}/dists/${suite}/${name}.xz`;
  const plain = release.files.get(name);
  const packed = release.files.get(`${name}.xz`);
  if (plain === undefined || packed === undefined)
    throw lockError("E_ARCHIVE_MISMATCH", `${root}/dists/${suite}/InRelease does not list ${name}.xz`, {
      hint: "check distribution.components and distribution.architecture in the config",
    });
  let content = readBlob(context.workspace, plain.sha256);
  const fetched = content === undefined;
  content ??= await fetchIndex({ path, component, architecture, root, suite, plain, packed }, context);
  return { component, sha256: plain.sha256, file: blobPath(context.workspace, plain.sha256), index: parsePackageIndex(content), fetched };
}

interface Listed {
  readonly sha256: string;
  readonly size: number;
}

async function fetchIndex(
  request: IndexRequest & { readonly path: string; readonly plain: Listed; readonly packed: Listed },
  context: ArchiveContext,
): Promise<Buffer> {
  const { path, plain, packed } = request;
  return context.report.step(`fetch ${path}`, async (step: Step) => {
    const mirror = context.mirror ?? findMirror();
    const folder = `${mirror[request.root]}/dists/${request.suite}/${request.component}/binary-${request.architecture}`;
    let received = 0;
    const onBytes = (bytes: number): void => step.progress((received += bytes), packed.size, "bytes");
    const options = { path, limit: packed.size, onBytes, onRetry: () => void (received = 0) };
    // By hash, so that a mirror that is updated meanwhile still gives what this Release lists.
    const content =
      (await getBytes(`${folder}/by-hash/SHA256/${packed.sha256}`, options)) ?? (await getBytes(`${folder}/Packages.xz`, options));
    if (content === undefined)
      throw lockError("E_ARCHIVE_UNREACHABLE", `the mirror has no ${path}`, {
        hint: "try again in some minutes: the mirror may be updating",
      });
    checkContent(content, packed, path);
    const unpacked = await decompress(path, content, INDEX_LIMIT);
    checkContent(unpacked, plain, path.replace(/\.xz$/, ""));
    writeBlob(context.workspace, plain.sha256, unpacked);
    return unpacked;
  });
}

function checkContent(content: Buffer, listed: Listed, path: string): void {
  const hint = "run the command again; if it stays so, use another mirror (ASHLAR_MIRROR)";
  if (content.length < listed.size)
    throw lockError("E_ARCHIVE_TRUNCATED", `${path} ends after ${content.length} bytes, ${listed.size} are listed in InRelease`, { hint });
  const got = sha256Of(content);
  if (got !== listed.sha256)
    throw lockError("E_ARCHIVE_HASH", `${path} has the sha256 ${got}, InRelease lists ${listed.sha256}`, {
      hint,
      details: { expected: listed.sha256, got },
    });
}

function offline(path: string): AshlarError {
  return lockError("E_ARCHIVE_OFFLINE", `${path} is not in the cache, and the network must not be used`, {
    hint: "run the command again without --offline",
  });
}
