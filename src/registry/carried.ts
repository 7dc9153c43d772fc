/**
 * A release on its way by hand: the folder of `ashlar publish`, but for objects that the machines it is for have already.
 * `carried.json` says who they are. It is not signed and need not be: at worst it makes a good error message a bad one.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { AshlarError, messageOf } from "#errors";
import { ShapeError, integer, list, literal, record } from "#formats/shape.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import { objectIdShape } from "#store/shape.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { syncFileSystem } from "#sys/syncfs.ts";
import type { RegistryErrorCode } from "./errors.ts";
import { manifestPath, objectPath, sequencesIn } from "./layout.ts";
import { MANIFEST_MAX, parseRelease } from "./release.ts";
import type { Release } from "./release.ts";
import { readFrom } from "./stream.ts";
import type { ReleaseSource } from "./stream.ts";

const CARRIED_FILE = "carried.json";
const OBJECTS_MAX = 300_000;

const carriedShape = record({
  version: literal(1),
  /** The newest release that is carried. */
  release: integer(1),
  /** Releases whose machines can use it. */
  from: list(record({ sequence: integer(1), image: objectIdShape }), 1000),
  /** What is here, sorted. */
  objects: list(objectIdShape, OBJECTS_MAX),
});

export type Carried = ReturnType<typeof carriedShape>;

export interface CarryRequest {
  /** A folder of `ashlar publish`. */
  readonly releases: string;
  readonly folder: string;
  /** Numbers of releases, or beginnings of the digests of their images. */
  readonly from: readonly string[];
}

export interface CarriedRelease {
  readonly release: Release;
  readonly from: Carried["from"];
  readonly objects: number;
  /** Bytes written, compressed as they are. */
  readonly bytes: number;
}

/** What a source says of itself; undefined for one that is whole. @throws E_SOURCE_FORMAT */
export async function readCarried(source: ReleaseSource): Promise<Carried | undefined> {
  const bytes = await readFrom(source, CARRIED_FILE, MANIFEST_MAX);
  if (bytes === undefined) return undefined;
  try {
    return carriedShape(JSON.parse(bytes.toString("utf8")), "");
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof ShapeError)) throw error;
    throw new AshlarError<RegistryErrorCode>("E_SOURCE_FORMAT", `${source.address}/${CARRIED_FILE} cannot be read: ${messageOf(error)}`, {
      cause: error,
      hint: "export it again with `ashlar export --usb`; the machine is unchanged",
    });
  }
}

/**
 * Copies the newest release of a folder, with everything that vouches for it, and only those objects that a machine with one of
 * the named releases lacks. What is there already is not copied again; a stop in between leaves no release to take.
 * @throws E_CARRY_FROM for a release that the folder does not have, E_SOURCE_FORMAT, E_OBJECT_MISSING
 */
export function carryRelease(request: CarryRequest, step: Step): CarriedRelease {
  const { releases, folder } = request;
  const all = releasesIn(releases);
  const release = all.at(-1);
  if (release === undefined) throw noReleases(releases);
  const known = request.from.map((name) => named(name, all, releases));
  const had = new Set(known.flatMap(({ objects }) => objects.map(({ object }) => object)));
  const wanted = release.objects.filter(({ object }) => !had.has(object));
  // Last of all comes back what makes it a release.
  for (const name of [CARRIED_FILE, ...vouching(folder)]) rmSync(join(folder, name), { force: true });
  let bytes = 0;
  for (const [at, { object }] of wanted.entries()) {
    bytes += copyObject(releases, folder, object);
    step.progress(at + 1, wanted.length, "objects");
  }
  mkdirSync(folder, { recursive: true });
  syncFileSystem(folder);
  const from = known.map(({ sequence, image }) => ({ sequence, image: image.digest })).sort((a, b) => a.sequence - b.sequence);
  const carried: Carried = { version: 1, release: release.sequence, from, objects: wanted.map(({ object }) => object) };
  writeFileAtomic(join(folder, CARRIED_FILE), `${JSON.stringify(carried)}\n`);
  for (const name of vouching(releases)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileAtomic(join(folder, name), readFileSync(join(releases, name)));
  }
  return { release, from, objects: wanted.length, bytes };
}

/** Everything but objects, and what is made of objects: manifests and what is signed about them. Those that lead to others come last. */
function vouching(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.includes(".json"),
  );
  const names = files.map((entry) => join(entry.parentPath, entry.name).slice(join(folder, "/").length));
  const rank = (name: string): number => [/^releases\//, /^trust\/\d/, /./].findIndex((pattern) => pattern.test(name));
  return names.filter((name) => VOUCHING.test(name)).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** At the top, of a release, or about who may sign; an aside of a killed writer is none of them. */
const VOUCHING = /^(?!carried\.json$)(?:(?:releases|trust)\/)?[A-Za-z0-9._-]+\.json$/;

function releasesIn(folder: string): Release[] {
  return sequencesIn(folder).map((number) => {
    const path = join(folder, manifestPath(number));
    return parseRelease(readFileSync(path), path);
  });
}

function named(name: string, all: readonly Release[], folder: string): Release {
  const found = all.filter(
    ({ sequence, image }) => String(sequence) === name || (/^[0-9a-f]{8,64}$/.test(name) && image.digest.startsWith(name)),
  );
  const newest = found.at(-1);
  if (newest !== undefined) return newest;
  throw new AshlarError<RegistryErrorCode>("E_CARRY_FROM", `${folder} has no release ${JSON.stringify(name)}`, {
    hint: `it has ${all.map(({ sequence }) => sequence).join(", ")}; \`ashlar status\` on the machine says which it runs`,
    details: { name, releases: all.map(({ sequence }) => sequence) },
  });
}

function copyObject(from: string, to: string, object: ObjectId): number {
  const [source, target] = [join(from, objectPath(object)), join(to, objectPath(object))];
  const size = statSync(source, { throwIfNoEntry: false })?.size;
  if (size === undefined)
    throw new AshlarError<RegistryErrorCode>("E_OBJECT_MISSING", `${source} is missing, but the release needs it`, {
      hint: "publish the release again: `ashlar publish` adds what is missing",
      details: { object },
    });
  if (statSync(target, { throwIfNoEntry: false })?.size === size) return 0;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  return size;
}

function noReleases(folder: string): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_SOURCE_FORMAT", `${folder} has no releases`, { hint: "name a folder that `ashlar publish` wrote to" });
}
