/**
 * Which of two images a path of the composed root comes from. In this order:
 *
 *   the config declares it      with the option that declares it
 *   it is part of a unit        with the unit, when the unit is named
 *   packages list it            with the packages that list it
 *   nobody does, but            in a folder that only such packages have, or a link to their files: with them
 *   it is made of other files   the image whose inputs are the composed ones (generated.ts)
 *   else                        this generation; unless a script of a package that goes back speaks of it: refused
 */
import { AshlarError } from "#errors";
import { compareBytes, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import { DATABASE } from "./database.ts";
import type { ComposeErrorCode } from "./errors.ts";
import { generatorOf, rightOutput } from "./generated.ts";
import type { Generated, Inputs } from "./generated.ts";
import { declaredPaths, decides, placeOf } from "./options.ts";
import type { Grain } from "./options.ts";
import type { Root } from "./root.ts";
import type { Selection } from "./selection.ts";
import { unitOf } from "./units.ts";

export type Origin = "newer" | "older" | "none";

/** @returns the origin of every path that either image has */
export function decideOrigins(newer: Root, older: Root, selection: Selection): ReadonlyMap<ByteString, Origin> {
  const declared = declaredPaths(newer.system);
  const context: Context = { newer, older, selection, declared, taken: takenPaths(selection.grains) };
  const paths = [...new Set([...newer.nodes.keys(), ...older.nodes.keys()])].sort(compareBytes);
  const origins = new Map<ByteString, Origin>();
  const open: ByteString[] = [];
  for (const path of paths) {
    const origin = byOwner(path, context);
    if (origin === undefined) open.push(path);
    else origins.set(path, origin);
  }
  const generated = generatedOrigins(open, origins, context);
  for (const path of open) origins.set(path, generated.get(path) ?? byScripts(path, context));
  return origins;
}

interface Context {
  readonly newer: Root;
  readonly older: Root;
  readonly selection: Selection;
  /** What this generation's config puts into the image itself. */
  readonly declared: ReadonlySet<ByteString>;
  /** Whether an option that goes back decides a path. */
  readonly taken: (path: ByteString) => boolean;
}

function byOwner(path: ByteString, context: Context): Origin | undefined {
  const { newer, older, selection, declared, taken } = context;
  if (taken(path)) return older.nodes.has(path) ? "older" : "none";
  if (declared.has(path)) return "newer";
  const unit = unitOf(newer, path) ?? unitOf(older, path);
  if (unit !== undefined) {
    const own = selection.units.has(unit) || selection.grains.some(([option, key]) => option === "units" && key === unit);
    if (own) return older.nodes.has(path) ? "older" : "none";
    // The file of a package's unit is the package's; the config decides over the links to it.
    if (configured(newer, unit) && newer.database.ownersOf(path).length === 0) return newer.nodes.has(path) ? "newer" : "none";
  }
  return byPackages(path, context);
}

/** Options with a path for a key decide that path, and there may be thousands of them. */
function takenPaths(grains: readonly Grain[]): (path: ByteString) => boolean {
  const keyed = (option: string): boolean => option === "files" || option === "links" || option === "directories";
  const places = new Set(grains.flatMap(([option, key]) => (keyed(option) && key !== undefined ? [placeOf(key)] : [])));
  const others = grains.filter(([option]) => !keyed(option));
  return (path) => places.has(path) || others.some((grain) => decides(grain, path));
}

/** Whether the config of a generation decides over a unit, whoever brings it. */
function configured({ system }: Root, unit: string): boolean {
  const { enable, disable, mask } = system.services;
  return [enable, disable, mask].some((list) => list.includes(unit)) || Object.hasOwn(system.units, unit);
}

function byPackages(path: ByteString, { newer, older, selection }: Context): Origin | undefined {
  const { packages } = selection;
  const [here, there] = [newer.database.ownersOf(path), older.database.ownersOf(path)];
  if (here.length > 0 || there.length > 0) {
    const staying = here.filter((name) => !packages.has(name));
    const coming = there.filter((name) => packages.has(name));
    if (isDirectory(newer.inode(path) ?? older.inode(path))) {
      if (staying.length > 0) return "newer";
      return coming.length > 0 && older.nodes.has(path) ? "older" : leftover(path, newer, older);
    }
    if (staying.length > 0 && coming.length > 0 && !here.some((name) => packages.has(name)) && newer.nodes.has(path))
      throw twoOwners(path, staying, coming);
    if (coming.length > 0) return older.nodes.has(path) ? "older" : "none";
    return staying.length > 0 && newer.nodes.has(path) ? "newer" : "none";
  }
  if (packages.size === 0) return undefined;
  const owners = ownersAround(path, newer, older);
  if (owners.size === 0 || ![...owners].every((name) => packages.has(name))) return undefined;
  return older.nodes.has(path) ? "older" : "none";
}

/** A folder whose packages all went: it stays when something else is left in it, which the caller finds out. */
function leftover(path: ByteString, newer: Root, older: Root): Origin {
  return newer.nodes.has(path) ? "newer" : older.nodes.has(path) ? "older" : "none";
}

/** Packages that have the nearest listed folder above a path, or the file that a link leads to. */
export function ownersAround(path: ByteString, newer: Root, older: Root): ReadonlySet<string> {
  const listed = (at: ByteString): string[] => [...newer.database.ownersOf(at), ...older.database.ownersOf(at)];
  const target = linkTarget(path, newer.inode(path) ?? older.inode(path));
  if (target !== undefined && listed(target).length > 0 && !isDirectory(newer.inode(target) ?? older.inode(target)))
    return new Set(listed(target));
  for (let folder = parentOf(path); folder !== "/"; folder = parentOf(folder))
    if (listed(folder).length > 0) return new Set(listed(folder));
  return new Set();
}

/** Where a symbolic link leads, as a path of the image; undefined for what is no link. */
export function linkTarget(path: ByteString, node: DumpInode | undefined): ByteString | undefined {
  if (node?.mode === undefined || node.mode >>> 12 !== 0o12 || node.payload === undefined) return undefined;
  const parts = (node.payload.startsWith("/") ? node.payload : `${parentOf(path)}/${node.payload}`).split("/");
  const result: string[] = [];
  for (const part of parts) {
    if (part === "..") result.pop();
    else if (part !== "" && part !== ".") result.push(part);
  }
  return `/${result.join("/")}`.replace(/^\/(bin|sbin|lib|lib64)\//, "/usr/$1/");
}

/** Files that are made of others, one decision for each kind. */
function generatedOrigins(
  open: readonly ByteString[],
  origins: ReadonlyMap<ByteString, Origin>,
  context: Context,
): Map<ByteString, Origin> {
  const found = new Map<ByteString, Origin>();
  const decided = new Map<Generated, "newer" | "older" | undefined>();
  for (const path of open) {
    const generator = generatorOf(path);
    if (generator === undefined || same(path, context)) continue;
    if (!decided.has(generator)) decided.set(generator, rightOutput(inputsOf(generator, path, origins, context)));
    const origin = decided.get(generator);
    if (origin === undefined) throw undecided(path, `${generator.by} makes it of files of which some would come from each generation`);
    found.set(path, context[origin].nodes.has(path) ? origin : "none");
  }
  return found;
}

function inputsOf(generator: Generated, output: ByteString, origins: ReadonlyMap<ByteString, Origin>, { newer, older }: Context): Inputs {
  const listed = (root: Root): ReadonlySet<ByteString> | undefined => generator.lists && new Set(generator.lists(root.text(output) ?? ""));
  const [here, there] = [listed(newer), listed(older)];
  const line = (path: ByteString, root: Root): string => {
    const node = root.inode(path);
    if (node === undefined || isDirectory(node)) return "";
    if (generator.lists !== undefined) return (root === newer ? here : there)?.has(path) === true ? path : "";
    return `${path} ${identity(node)}`;
  };
  const inputs = [...origins].filter(([path]) => generator.inputs.test(path));
  const all = (pick: (path: ByteString, origin: Origin) => string): string =>
    inputs
      .map(([path, origin]) => pick(path, origin))
      .filter((text) => text !== "")
      .join("\n");
  return {
    newer: all((path) => line(path, newer)),
    older: all((path) => line(path, older)),
    composed: all((path, origin) => (origin === "none" ? "" : line(path, origin === "older" ? older : newer))),
  };
}

/** Nobody's file: this generation's, unless a package that goes back may have made it and the two differ. */
function byScripts(path: ByteString, context: Context): Origin {
  const { newer, selection } = context;
  const stays: Origin = newer.nodes.has(path) ? "newer" : "none";
  if (selection.packages.size === 0 || path.startsWith(`${DATABASE}/`) || path.startsWith("/usr/lib/ashlar/") || same(path, context))
    return stays;
  if (SHARED.has(path)) return stays;
  const alternative = path.startsWith("/etc/alternatives/") || newer.inode(path)?.payload?.startsWith("/etc/alternatives/") === true;
  const who = alternative ? "update-alternatives" : scriptsAbout(path, context);
  if (who === undefined) return stays;
  throw undecided(path, `${who} made it, and it differs`);
}

/** Composed line by line (shared.ts, accounts.ts), or decided by options alone. */
const SHARED: ReadonlySet<ByteString> = new Set(["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/fstab"]);

function scriptsAbout(path: ByteString, { newer, older, selection }: Context): string | undefined {
  return [...selection.packages].find((name) =>
    [newer, older].some(({ database }) => database.scriptsOf(name).some((script) => script.includes(path))),
  );
}

function same(path: ByteString, { newer, older }: Context): boolean {
  const [here, there] = [newer.inode(path), older.inode(path)];
  return here !== undefined && there !== undefined && identity(here) === identity(there);
}

/** Everything of an inode but its times and names. */
export function identity({ mode, uid, gid, rdev, payload, content, digest, xattrs }: DumpInode): string {
  const target = digest === undefined ? payload : undefined;
  return JSON.stringify([
    mode,
    uid,
    gid,
    rdev,
    target,
    content?.toString("latin1"),
    digest,
    [...xattrs].map(([name, value]) => `${name}=${value}`).sort(),
  ]);
}

export function isDirectory(node: DumpInode | undefined): boolean {
  return node !== undefined && node.mode >>> 12 === 0o4;
}

export function parentOf(path: ByteString): ByteString {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function twoOwners(path: ByteString, staying: readonly string[], coming: readonly string[]): AshlarError<ComposeErrorCode> {
  return new AshlarError("E_COMPOSE_FILE", `${toText(path)} would belong to ${coming.join(", ")} and to ${staying.join(", ")}`, {
    hint: `take ${staying.map((name) => `packages.${name}`).join(",")} along; nothing was changed`,
    details: { path: toText(path) },
  });
}

function undecided(path: ByteString, why: string): AshlarError<ComposeErrorCode> {
  return new AshlarError("E_COMPOSE_GENERATED", `${toText(path)} is in no package: ${why}`, {
    hint: "go back as a whole (`ashlar rollback`), or take along what else it is made of; nothing was changed",
    details: { path: toText(path) },
  });
}
