/**
 * Composing: a new generation from this one and a part of an older one. Both images are in the machine's store, so nothing
 * is fetched; the result is a pure function of the two images and the names of the parts, the same on every machine.
 *
 *   parts → options, packages, units → packages fit? → options fit? → where each path comes from → one image
 */
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import { compareBytes, fromText, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { canonicalJson, digestOf } from "#formats/canonical-json.ts";
import type { DumpEntry } from "#formats/composefs/dump-entry.ts";
import { writeImage } from "#formats/erofs/writer.ts";
import { verityDigest } from "#formats/fsverity.ts";
import type { Image } from "#image/image.ts";
import type { ObjectId } from "#store/object.ts";
import { parseObjectId } from "#store/object.ts";
import { composeAccounts } from "./accounts.ts";
import { requireAccounts, requireSameOwners } from "./owners.ts";
import { decideOrigins, identity } from "./decide.ts";
import type { ComposeErrorCode } from "./errors.ts";
import { mergeLines } from "./lines.ts";
import { composeNodes } from "./nodes.ts";
import { placeOf } from "./options.ts";
import type { Grain } from "./options.ts";
import { refuseLostOriginals } from "./originals.ts";
import { composePackages, packageChanges, requireFit } from "./packages.ts";
import type { PackageChange } from "./packages.ts";
import { SYSTEM_FILE } from "./root.ts";
import type { Root } from "./root.ts";
import { describeGrain, select } from "./selection.ts";
import type { Selection } from "./selection.ts";
import { TMPFILES, sharedFiles } from "./shared.ts";
import { composeSystem } from "./system.ts";
import { settleFolders } from "./tmpfiles.ts";

export interface ComposeRequest {
  /** The generation that most comes from. */
  readonly newer: Root;
  /** The one that the parts come from. */
  readonly older: Root;
  readonly parts: readonly string[];
  /** What is wrong with a System; each text names an option. */
  readonly problemsOf: (system: System, textOf: (path: string) => string | undefined) => readonly string[];
}

export interface Composition {
  readonly system: System;
  readonly image: Image;
  readonly entries: readonly DumpEntry[];
  /** What neither image has: the image itself, and files that were composed line by line. */
  readonly contents: ReadonlyMap<ObjectId, Buffer>;
  /** Every object that it needs, with its size in bytes, but for kernel and initrd. */
  readonly objects: ReadonlyMap<ObjectId, number>;
  readonly packages: readonly PackageChange[];
  readonly options: readonly { readonly option: string; readonly from: unknown; readonly to: unknown }[];
  /** Paths of files that differ from this generation's. */
  readonly files: readonly ByteString[];
}

/**
 * Composes in memory; nothing is written.
 * @throws E_COMPOSE_PART, E_COMPOSE_ABSENT, E_COMPOSE_SAME, E_COMPOSE_DEPENDS, E_COMPOSE_INVALID, E_COMPOSE_IDS,
 * E_COMPOSE_GENERATED, E_COMPOSE_FILE
 */
export function compose({ newer, older, parts, problemsOf }: ComposeRequest): Composition {
  const selection = select(parts, newer, older);
  requireFit(newer, older, selection.packages);
  requireAccounts(newer, older, selection.packages);
  const system = composeSystem(newer, older, selection);
  const origins = decideOrigins(newer, older, selection);
  refuseLostOriginals(newer, older, { selection, origins });
  requireSameOwners(newer, older, origins);
  const installed = composePackages(newer, older, selection.packages);
  const keeps = (folder: ByteString): boolean =>
    newer.database.ownersOf(folder).some((name) => installed.has(name) && !selection.packages.has(name)) ||
    older.database.ownersOf(folder).some((name) => selection.packages.has(name)) ||
    Object.keys(system.directories).some((path) => fromText(path) === folder);
  const texts = composedTexts(newer, older, { selection, system, keeps });
  const { entries, contents } = composeNodes(newer, older, { origins, texts, keeps });
  const textOf = textReader(newer, older, entries);
  requireValid(system, newer, { problemsOf, textOf });
  const bytes = writeImage([...entries]);
  const digest = verityDigest(bytes) as ObjectId;
  if (digest === newer.image.digest) throw nothingDiffers(parts);
  const image = imageOf(newer.image, older.image, { digest, system, selection, parts });
  return {
    image,
    system,
    entries,
    contents: new Map([...contents, [digest, bytes]]),
    objects: new Map([...objectsOf(entries), [digest, bytes.length]]),
    packages: packageChanges(newer, older, selection.packages),
    options: optionChanges(newer, older, selection),
    files: changedFiles(newer, entries),
  };
}

interface Decided {
  readonly selection: Selection;
  readonly system: System;
  readonly keeps: (folder: ByteString) => boolean;
}

/** Files that are neither the one nor the other image's: the System, accounts, and those in which each part has lines. */
function composedTexts(newer: Root, older: Root, { selection, system, keeps }: Decided): Map<ByteString, ByteString | undefined> {
  const users = selection.grains.flatMap(([option, key]) => (option === "users" && key !== undefined ? [key] : []));
  return new Map([
    ...sharedFiles(newer, older, selection).map((file): [ByteString, ByteString | undefined] => [
      file.path,
      file.path === TMPFILES
        ? settleFolders(mergeLines(file, newer.text(file.path), older.text(file.path)), { newer, older, keeps })
        : mergeLines(file, newer.text(file.path), older.text(file.path)),
    ]),
    ...composeAccounts(newer, older, users),
    [SYSTEM_FILE, fromText(`${canonicalJson(system)}\n`)],
  ]);
}

function requireValid(
  system: System,
  newer: Root,
  { problemsOf, textOf }: Pick<ComposeRequest, "problemsOf"> & { readonly textOf: (path: string) => string | undefined },
): void {
  // An image of another Ashlar may say more than this one's schema knows: only what composing broke counts.
  const before = new Set(problemsOf(newer.system, (path) => decode(newer.text(placeOf(path)))));
  const problems = problemsOf(system, textOf).filter((problem) => !before.has(problem));
  if (problems.length === 0) return;
  throw new AshlarError<ComposeErrorCode>(
    "E_COMPOSE_INVALID",
    `the composed config is wrong:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    {
      hint: "take the options that these need along (`--only PART,PART`); nothing was changed",
      details: { problems },
    },
  );
}

/** Content of a file that the config declares, in the composed image. */
function textReader(newer: Root, older: Root, entries: readonly DumpEntry[]): (path: string) => string | undefined {
  const origin = new Map(entries.map((entry) => [entry.path, entry]));
  return (path) => {
    const place = placeOf(path);
    const entry = origin.get(place);
    if (entry === undefined || entry.hardlink !== undefined) return undefined;
    const same = [newer, older].find((root) => root.inode(place)?.digest === entry.digest && root.inode(place)?.size === entry.size);
    return decode(same?.text(place));
  };
}

function decode(bytes: ByteString | undefined): string | undefined {
  return bytes === undefined ? undefined : toText(bytes);
}

interface Parts {
  readonly digest: ObjectId;
  readonly system: System;
  readonly selection: Selection;
  readonly parts: readonly string[];
}

/** The record of the composed image. Its config is the one it carries, without secrets; its lock says what it was composed of. */
function imageOf(newer: Image, older: Image, { digest, system, selection, parts }: Parts): Image {
  const { kernel: _kernel, ...rest } = newer;
  const kernel = selection.kernel ? older.kernel : newer.kernel;
  return {
    ...rest,
    digest,
    ...(kernel === undefined ? {} : { kernel: { ...kernel, arguments: system.kernel.arguments } }),
    config: digestOf(system),
    lock: digestOf({ composed: [newer.digest, older.digest], parts: [...new Set(parts)].sort() }),
  };
}

function objectsOf(entries: readonly DumpEntry[]): [ObjectId, number][] {
  return entries.flatMap((entry): [ObjectId, number][] => {
    const object = entry.hardlink === undefined ? parseObjectId(entry.digest ?? "") : undefined;
    return object === undefined || entry.hardlink !== undefined ? [] : [[object, entry.size]];
  });
}

function optionChanges(newer: Root, older: Root, { grains, units }: Selection): Composition["options"] {
  const services = [...units].map((unit) => ({
    option: `services.${unit}`,
    from: startOf(newer.system, unit),
    to: startOf(older.system, unit),
  }));
  return [...grains.map((grain: Grain) => describeGrain(grain, newer, older)), ...services.filter(({ from, to }) => from !== to)];
}

function startOf({ services }: System, unit: string): string {
  return (["enable", "disable", "mask"] as const).find((list) => services[list].includes(unit)) ?? "as its package says";
}

function changedFiles(newer: Root, entries: readonly DumpEntry[]): ByteString[] {
  const there = new Set(entries.map(({ path }) => path));
  const changed = entries.filter((entry) => {
    const before = newer.nodes.get(entry.path);
    if (before === undefined || before.hardlink !== undefined || entry.hardlink !== undefined) return before?.hardlink !== entry.hardlink;
    return identity(before) !== identity(entry);
  });
  const gone = [...newer.nodes.keys()].filter((path) => !there.has(path));
  return [...changed.map(({ path }) => path), ...gone].sort(compareBytes);
}

function nothingDiffers(parts: readonly string[]): AshlarError<ComposeErrorCode> {
  return new AshlarError("E_COMPOSE_SAME", `${parts.join(", ")}: the same in both generations, so there is nothing to compose`, {
    hint: "name another generation with --from N (`ashlar generations` lists them); nothing was changed",
    details: { parts },
  });
}
