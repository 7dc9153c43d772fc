/** The Packages index of one component: from the cache, or fetched, verified and kept. */
import { decompress } from "#formats/decompress.ts";
import { parsePackageIndex } from "#formats/package-index.ts";
import type { PackageIndex } from "#formats/package-index.ts";
import type { Step } from "#report/reporter.ts";
import type { ArchiveContext, ArchiveRequest } from "./context.ts";
import { archiveError, offline } from "./errors.ts";
import { getBytes } from "./http.ts";
import { findMirror } from "./mirror.ts";
import type { ArchiveRoot } from "./mirror.ts";
import type { Release } from "./release.ts";
import { readBlob, sha256Of, writeBlob } from "./snapshot.ts";

/** Debian's Packages of main is 60 MB; ten times that is no index. */
const INDEX_LIMIT = 600 * 1024 ** 2;

/** One component's index of one suite. */
export interface ComponentIndex {
  readonly component: string;
  /** sha256 of the plain Packages file, which is kept under that name. */
  readonly sha256: string;
  readonly index: PackageIndex;
}

export interface IndexRequest {
  readonly root: ArchiveRoot;
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
  readonly refresh: ArchiveRequest["refresh"];
}

/** @throws E_ARCHIVE_HASH, E_ARCHIVE_TRUNCATED, E_ARCHIVE_MISMATCH, E_ARCHIVE_UNREACHABLE, E_ARCHIVE_OFFLINE */
export async function openIndex(
  request: IndexRequest,
  release: Release,
  context: ArchiveContext,
): Promise<ComponentIndex & { readonly fetched: boolean }> {
  const { root, suite, component, architecture } = request;
  const name = `${component}/binary-${architecture}/Packages`;
  const path = `${root}/dists/${suite}/${name}.xz`;
  const plain = release.files.get(name);
  const packed = release.files.get(`${name}.xz`);
  if (plain === undefined || packed === undefined)
    throw archiveError("E_ARCHIVE_MISMATCH", `${root}/dists/${suite}/InRelease does not list ${name}.xz`, {
      hint: "check distribution.components and distribution.architecture in the config",
    });
  let content = readBlob(context.workspace, plain.sha256);
  const fetched = content === undefined;
  if (fetched && request.refresh === "never") throw offline(path);
  content ??= await fetchIndex({ ...request, path, plain, packed }, context);
  return { component, sha256: plain.sha256, index: parsePackageIndex(content), fetched };
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
      throw archiveError("E_ARCHIVE_UNREACHABLE", `the mirror has no ${path}`, {
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
  const hint = "run `ashlar lock --upgrade`; if it stays so, use another mirror (ASHLAR_MIRROR)";
  if (content.length < listed.size)
    throw archiveError("E_ARCHIVE_TRUNCATED", `${path} ends after ${content.length} bytes, ${listed.size} are listed in InRelease`, {
      hint,
    });
  const got = sha256Of(content);
  if (got !== listed.sha256)
    throw archiveError("E_ARCHIVE_HASH", `${path} has the sha256 ${got}, InRelease lists ${listed.sha256}`, {
      hint,
      details: { expected: listed.sha256, got },
    });
}
