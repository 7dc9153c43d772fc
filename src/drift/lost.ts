/**
 * What a machine lost when it stopped: the changes of an ephemeral /etc that nobody adopted, the last three times.
 *
 *   lost-etc/000007/record.json    when, of which image, which paths
 *   lost-etc/000007/tree/etc/…     the files, with modes and owners
 *
 * The folder is root's alone (0700), because some of them may be secrets.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { fromText, toText } from "#formats/bytes.ts";
import { syncFolder, writeFileAtomic } from "#sys/atomic.ts";
import { syncFileSystem } from "#sys/syncfs.ts";
import type { DriftErrorCode } from "./errors.ts";
import { readUpper } from "./gather/upper.ts";
import type { UpperNode } from "./gather/upper.ts";
import { putPath, removePath } from "./restore.ts";
import type { Wanted } from "./restore.ts";
import { namesIfThere } from "#sys/if-there.ts";

export interface LostRecord {
  readonly version: 1;
  /** Seconds since 1970. */
  readonly time: number;
  readonly image: string;
  /** Paths that were there. */
  readonly paths: readonly string[];
  /** Paths of the image that had been removed. */
  readonly removed: readonly string[];
}

export interface LostSet extends LostRecord {
  readonly number: number;
}

const KEPT = 3;

/**
 * Keeps the nodes of an upper layer and lets older sets go. A set is whole or not there.
 * @returns its number
 */
export function keepLost(folder: string, nodes: readonly UpperNode[], about: { readonly time: number; readonly image: string }): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const number = (listLost(folder).at(-1)?.number ?? 0) + 1;
  const aside = join(folder, ".keeping");
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(join(aside, "tree"), { recursive: true });
  const kept = nodes.filter(({ kind }) => kind !== "whiteout" && kind !== "other");
  for (const node of kept) putPath(join(aside, "tree"), node.path, wantedOf(node));
  const record: LostRecord = {
    version: 1,
    ...about,
    paths: kept.map(({ path }) => toText(path)),
    removed: nodes.filter(({ kind }) => kind === "whiteout").map(({ path }) => toText(path)),
  };
  writeFileAtomic(join(aside, "record.json"), `${JSON.stringify(record)}\n`, { mode: 0o600 });
  syncFileSystem(folder);
  renameSync(aside, join(folder, String(number).padStart(6, "0")));
  syncFolder(folder);
  for (const { number: old } of listLost(folder).slice(0, -KEPT)) rmSync(join(folder, String(old).padStart(6, "0")), { recursive: true });
  return number;
}

/** All sets, the newest last. */
export function listLost(folder: string): LostSet[] {
  return namesIfThere(folder)
    .filter((name) => /^\d{6}$/.test(name))
    .sort()
    .map((name) => ({ number: Number(name), ...(JSON.parse(readFileSync(join(folder, name, "record.json"), "utf8")) as LostRecord) }));
}

/**
 * Puts paths of a set back, through the merged view; a removed one is removed again.
 * @param root "/" on a machine
 * @param wanted paths of the set, or folders around some; all when empty
 * @returns what was put back
 * @throws E_DRIFT_LOST_UNKNOWN
 */
export function recoverLost(root: string, folder: string, number: number, wanted: readonly string[]): string[] {
  const set = listLost(folder).find((each) => each.number === number);
  if (set === undefined) throw unknown(`nothing was lost with the number ${number}`);
  const isWanted = (path: string): boolean => wanted.length === 0 || wanted.some((name) => path === name || path.startsWith(`${name}/`));
  const all = [...set.paths, ...set.removed];
  for (const name of wanted)
    if (!all.some((path) => path === name || path.startsWith(`${name}/`))) throw unknown(`${name} is not among what was lost as ${number}`);
  const back = all.filter(isWanted);
  const tree = join(folder, String(number).padStart(6, "0"), "tree/etc");
  const nodes = new Map(readUpper(tree, "/etc").map((node) => [node.path, node]));
  for (const path of back) {
    const node = nodes.get(fromText(path));
    if (set.removed.includes(path)) removePath(root, fromText(path));
    else if (node !== undefined) putPath(root, fromText(path), wantedOf(node));
  }
  return back;
}

/** An upper layer's node as something to put. */
export function wantedOf(node: UpperNode): Wanted {
  return {
    kind: node.kind === "directory" || node.kind === "symlink" ? node.kind : "file",
    mode: node.mode & 0o7777,
    uid: node.uid,
    gid: node.gid,
    xattrs: node.xattrs,
    ...(node.target === undefined ? {} : { target: node.target }),
    ...(node.kind === "file" ? { content: node.content() } : {}),
  };
}

function unknown(message: string): AshlarError<DriftErrorCode> {
  return new AshlarError("E_DRIFT_LOST_UNKNOWN", message, { hint: "`ashlar drift recover` lists what was lost" });
}
