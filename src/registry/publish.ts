/** The build host's side: objects first, then the manifest, then who vouches for it, the timestamp last. A crash leaves the old release. */
import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { constants as zlib, zstdCompress } from "node:zlib";
import { AshlarError, hasErrno } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import type { Image } from "#image/image.ts";
import type { Reporter, Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { tryLock } from "#sys/flock.ts";
import { syncFileSystem } from "#sys/syncfs.ts";
import { publishDeltas, publishManifestPatches } from "./delta/publish.ts";
import type { RegistryErrorCode } from "./errors.ts";
import { FOLDER_FILE, FOLDER_FORMAT, folderShape, manifestPath, objectPath, sequencesIn } from "./layout.ts";
import { objectsOf } from "./objects-of.ts";
import { parseRelease, renderRelease } from "./release.ts";
import type { Release, ReleaseObject } from "./release.ts";
import { DEFAULT_CHANNEL } from "./trust/entries.ts";
import { targetsOfFolder, writeTrust } from "./trust/folder.ts";
import { placeFiles } from "./trust/place.ts";
import { dropProposal, proposeRelease } from "./trust/proposal.ts";
import type { KeyRing } from "./trust/ring.ts";
import { canSign, signInTurn, signMetadata } from "./trust/signatures.ts";
import type { Signing } from "./trust/signatures.ts";

export interface PublishRequest {
  readonly image: Image;
  readonly store: Store;
  /** Made when missing. */
  readonly folder: string;
  /** Who vouches for it. */
  readonly signing: Signing;
  /** Machines follow one; "stable" when absent. */
  readonly channel?: string;
  /** Machines with older releases run this one before any newer one. */
  readonly barrier?: boolean;
  /** One more than the newest release when absent. */
  readonly sequence?: number;
  /** Seconds since 1970. */
  readonly expires?: number;
  /** From how many of the releases before there are differences; 2 when absent. */
  readonly deltas?: number;
  readonly report: Reporter;
}

/** Level 9 makes objects 3 % smaller than level 3 in 1.6 times the time (docs/formats/release.md): not worth the wait. */
const ZSTD_LEVEL = 3;
/** Machines that follow have the last release, those that were off for a while the one before. */
const DELTAS = 2;
/** As many as the thread pool of Node compresses at once. */
const PARALLEL = 4;

const compress = promisify(zstdCompress);

/**
 * Publishes an image as the next release of a folder. With fewer keys than have to sign it is a proposal, which machines do not
 * see until others have signed it (trust/proposal.ts).
 * @throws E_PUBLISH_SEQUENCE, E_PUBLISH_FOLDER, E_KEYS_MISSING, E_KEYS_PASSPHRASE, E_STORE_MISSING
 */
export async function publish(request: PublishRequest): Promise<Release> {
  const { folder, image, store } = request;
  const { signing } = request;
  // Signatures are made before anything is written, so that a missing key or wrong passphrase costs nothing.
  const proposes = signing !== "unsafe-unsigned" && checkKeys(signing);
  const lock = openFolder(folder);
  try {
    const previous = readNewest(folder);
    const release: Release = {
      version: 1,
      name: image.name,
      sequence: nextSequence(request, previous),
      image,
      objects: objectsOf(image, store),
      ...(request.expires === undefined ? {} : { expires: request.expires }),
    };
    await request.report.step(`publish release ${release.sequence}`, (step) => writeObjects(folder, release.objects, store, step));
    const before = releasesBefore(folder, release.sequence, request.deltas ?? DELTAS);
    await publishDeltas({ folder, release, before, store, report: request.report });
    const manifest = renderRelease(release);
    await publishManifestPatches(folder, release, before, manifest);
    syncFileSystem(folder);
    writeFileAtomic(join(folder, manifestPath(release.sequence)), manifest);
    const { channel = DEFAULT_CHANNEL, barrier = false } = request;
    const [add, now] = [{ release, manifest, channel, barrier }, Date.now()];
    if (proposes) proposeRelease(signing, folder, add, now);
    else {
      writeTrust(folder, placeFiles({ signing, before: targetsOfFolder(folder), where: folder, add, now }));
      dropProposal(folder);
    }
    return release;
  } finally {
    closeSync(lock);
  }
}

/** @returns whether others have to sign, too @throws E_KEYS_MISSING, E_KEYS_PASSPHRASE */
function checkKeys(ring: KeyRing): boolean {
  const proposes = !canSign(ring, "targets");
  if (proposes) signInTurn(ring, { role: "targets", signed: {} });
  else for (const role of ["targets", "snapshot", "timestamp"] as const) signMetadata(ring, { role, signed: {} });
  return proposes;
}

function openFolder(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, FOLDER_FILE);
  if (existsSync(path)) folderShape(JSON.parse(readFileSync(path, "utf8")), path);
  else writeFileAtomic(path, `${canonicalJson({ format: FOLDER_FORMAT, version: 1 })}\n`);
  const fd = openSync(path, constants.O_RDONLY);
  if (tryLock(fd, "exclusive")) return fd;
  closeSync(fd);
  throw new AshlarError<RegistryErrorCode>("E_PUBLISH_FOLDER", `another process publishes to ${folder}`, {
    hint: "wait for it to end and run the command again",
    details: { folder },
  });
}

/** Of the manifests that are there, the last; one that a killed publisher left counts too, for its number is used. */
function readNewest(folder: string): Release | undefined {
  const newest = sequencesIn(folder).at(-1);
  if (newest === undefined) return undefined;
  const path = join(folder, manifestPath(newest));
  return parseRelease(readFileSync(path), path);
}

/** The newest first, each image once. */
function releasesBefore(folder: string, sequence: number, count: number): Release[] {
  const found = new Map<ObjectId, Release>();
  for (const number of sequencesIn(folder).toReversed()) {
    if (number >= sequence) continue;
    if (found.size === count) break;
    const path = join(folder, manifestPath(number));
    const release = parseRelease(readFileSync(path), path);
    if (!found.has(release.image.digest)) found.set(release.image.digest, release);
  }
  return [...found.values()];
}

function nextSequence(request: PublishRequest, previous: Release | undefined): number {
  const { folder, image } = request;
  if (previous !== undefined && previous.name !== image.name)
    throw new AshlarError<RegistryErrorCode>("E_PUBLISH_FOLDER", `${folder} has releases of ${previous.name}, not of ${image.name}`, {
      hint: "give each system a folder of its own",
      details: { folder, name: previous.name },
    });
  const newest = previous?.sequence ?? 0;
  const sequence = request.sequence ?? newest + 1;
  if (sequence <= newest || !Number.isSafeInteger(sequence))
    throw new AshlarError<RegistryErrorCode>("E_PUBLISH_SEQUENCE", `${folder} has release ${newest}; ${sequence} is not a later one`, {
      hint: `leave the number out, or take one above ${newest}`,
      details: { folder, newest },
    });
  return sequence;
}

async function writeObjects(folder: string, objects: readonly ReleaseObject[], store: Store, step: Step): Promise<void> {
  const missing = objects.filter(({ object }) => !existsSync(join(folder, objectPath(object))));
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = missing[next++]; item !== undefined; item = missing[next++]) {
      const encoded = await compress(store.read(item.object), { params: { [zlib.ZSTD_c_compressionLevel]: ZSTD_LEVEL } });
      writeObject(join(folder, objectPath(item.object)), encoded);
      step.progress((done += item.size), total, "bytes");
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  step.detail(`${missing.length} of ${objects.length} objects were new`);
}

/** Without fsync: one syncfs before the manifest makes all of them durable. */
function writeObject(path: string, encoded: Buffer): void {
  const aside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    try {
      writeFileSync(aside, encoded, { flag: "wx" });
    } catch (error) {
      if (!hasErrno(error, "ENOENT")) throw error;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(aside, encoded, { flag: "wx" });
    }
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}
