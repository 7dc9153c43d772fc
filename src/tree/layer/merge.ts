/** What layers changed, in the form in which a tree has it, put on the base. */
import { isDeepStrictEqual } from "node:util";
import type { ByteString } from "#formats/bytes.ts";
import { compareBytes } from "#formats/bytes.ts";
import { draftOf, editText, movePath, readText, removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { fixShadowDates } from "../normalise/accounts.ts";
import { DPKG_DATABASE, relocateDatabase } from "../normalise/database.ts";
import { moveEnablement } from "../normalise/enablement.ts";
import { checkSensitive } from "../normalise/gate.ts";
import { FACTORY_LINES, MUTABLE, classifyMutable, fateOf } from "../normalise/mutable.ts";
import type { VarClass } from "../normalise/mutable.ts";
import { dropResidue } from "../normalise/residue.ts";
import type { TreeNode } from "../tree.ts";
import { numberAccounts } from "./accounts.ts";

export interface Difference {
  /** New and changed paths as they were found. */
  readonly changed: ReadonlyMap<ByteString, TreeNode>;
  readonly removed: readonly ByteString[];
  /** What the machine's own folders held before packages came. */
  readonly mutableBefore: ReadonlyMap<ByteString, TreeNode>;
}

/** Sorts before the base's own file, so that its lines win where both have a path. */
const LAYER_LINES = "/usr/lib/tmpfiles.d/00-ashlar-layers.conf";
const ACCOUNT_FILES = ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"] as const;

/**
 * Puts a difference on the base, normalised by the rules by which a base is made.
 * @param classes the config's `state.var`
 * @throws E_TREE_SENSITIVE
 */
export function mergeDifference(base: Draft, difference: Difference, classes: Readonly<Record<string, VarClass>>): void {
  const delta = draftOf({ mtime: base.mtime, nodes: relevant(base, difference) }, base.store);
  dropResidue(delta);
  moveEnablement(delta);
  normaliseDatabase(delta);
  fixShadowDates(delta);
  const { uids, gids } = numberAccounts(delta, base);
  for (const [path, node] of delta.nodes)
    if (node.kind !== "hardlink")
      delta.nodes.set(path, { ...node, uid: uids.get(node.uid) ?? node.uid, gid: gids.get(node.gid) ?? node.gid });
  classifyNew(delta, base, classes);
  checkSensitive(delta);
  for (const path of withoutResidue(base, difference.removed)) removePath(base, path);
  for (const path of [...delta.nodes.keys()].sort(compareBytes)) {
    const node = delta.nodes.get(path)!;
    // A folder that only came to be because something is in it stays as the base has it.
    if (node.kind !== "directory" || difference.changed.has(path) || base.nodes.get(path)?.kind !== "directory") putNode(base, path, node);
  }
}

/** The changed nodes, without what a machine's own folders had already; the account files always, because numbers need them. */
function relevant(base: Draft, { changed, mutableBefore }: Difference): Map<ByteString, TreeNode> {
  const accounts = ACCOUNT_FILES.flatMap((path) => {
    const node = base.nodes.get(path);
    return node === undefined ? [] : [[path, node] as const];
  });
  return new Map([...accounts, ...[...changed].filter(([path, node]) => !isDeepStrictEqual(mutableBefore.get(path), node))]);
}

/** The database lies at its final place already; the rules are written for where dpkg has it. */
function normaliseDatabase(delta: Draft): void {
  if (!delta.nodes.has(DPKG_DATABASE)) return;
  removePath(delta, "/var/lib/dpkg");
  movePath(delta, DPKG_DATABASE, "/var/lib/dpkg");
  relocateDatabase(delta);
}

/** A file that no rule knows is taken for state: nobody can be asked on a machine, and it is only an original to copy from. */
function classifyNew(delta: Draft, base: Draft, classes: Readonly<Record<string, VarClass>>): void {
  const isMutable = (path: ByteString): boolean => MUTABLE.some((folder) => path.startsWith(`${folder}/`));
  const unknown = [...delta.nodes].filter(
    ([path, node]) => isMutable(path) && node.kind !== "directory" && node.kind !== "symlink" && fateOf(path, classes) === undefined,
  );
  const assumed = Object.fromEntries(unknown.map(([path]) => [path, "state"] as const));
  classifyMutable(delta, { ...classes, ...assumed }, new Set());
  for (const folder of MUTABLE) delta.nodes.delete(folder);
  const known = new Set((readText(base, FACTORY_LINES) ?? "").split("\n").slice(1));
  editText(delta, FACTORY_LINES, (text) => {
    const [, ...lines] = text.split("\n").filter((line) => line !== "" && !known.has(line));
    const own = lines.filter((line) => !(line.startsWith("d ") && Object.hasOwn(assumed, line.split(" ")[1] ?? "")));
    return own.length === 0 ? "" : ["# Made by Ashlar: what layers put into /var, /root, /home and /srv.", ...own, ""].join("\n");
  });
  if (readText(delta, FACTORY_LINES) === "") removePath(delta, FACTORY_LINES);
  else movePath(delta, FACTORY_LINES, LAYER_LINES);
}

/** What the rules take out of every image is the base's business, also when a script removed it. */
function withoutResidue(base: Draft, removed: readonly ByteString[]): ByteString[] {
  const gone = draftOf(
    { mtime: base.mtime, nodes: new Map(removed.flatMap((path) => [[path, base.nodes.get(path)!] as const])) },
    base.store,
  );
  dropResidue(gone);
  return [...gone.nodes.keys()].filter((path) => !MUTABLE.some((folder) => path === folder || path.startsWith(`${folder}/`)));
}

/** Puts a node that may be another kind than what was there. */
export function putNode(draft: Draft, path: ByteString, node: TreeNode): void {
  const before = draft.nodes.get(path);
  if (isDeepStrictEqual(before, node)) return;
  if (before !== undefined && !(before.kind === "directory" && node.kind === "directory")) removePath(draft, path);
  draft.nodes.set(path, node);
  if (node.kind === "hardlink") draft.linked.add(node.target);
}
