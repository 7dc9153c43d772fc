/**
 * Fixed numbers for system users and groups. Maintainer scripts allocate them in the order in which they happen to run;
 * the ledger in the lock decides instead: after the packages are configured every dynamic number is replaced by
 * the ledger's, in the account files and in the owner of every inode. So neither the order of packages nor what
 * else is installed can shift an owner in a machine's persistent data.
 */
import { compareBytes } from "#formats/bytes.ts";
import type { Draft } from "./draft.ts";
import { editText, readText } from "./draft.ts";
import type { TreeNode } from "./tree.ts";

export interface IdLedger {
  readonly users: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, number>>;
}

/** Debian Policy 9.2.2: 100–999 are dynamically allocated system ids, but for the group "users", which base-passwd fixes at 100. */
const DYNAMIC_FIRST = 101;
const DYNAMIC_LAST = 999;

const isDynamic = (id: number): boolean => id >= DYNAMIC_FIRST && id <= DYNAMIC_LAST;

interface Account {
  readonly name: string;
  readonly id: number;
}

/**
 * Gives every dynamic user and group of the draft its number in the ledger.
 * @returns the ledger with the names that were new, which got the lowest free numbers in name order
 */
export function applyLedger(draft: Draft, ledger: IdLedger): IdLedger {
  const users = accounts(readText(draft, "/etc/passwd"));
  const groups = accounts(readText(draft, "/etc/group"));
  const grown = grow(ledger, users, groups);
  const uids = renumbering(users, grown.users);
  const gids = renumbering(groups, grown.groups);
  rewriteAccounts(draft, uids, gids);
  if (uids.size > 0 || gids.size > 0) for (const [path, node] of draft.nodes) draft.nodes.set(path, reowned(node, uids, gids));
  return grown;
}

function grow(ledger: IdLedger, users: readonly Account[], groups: readonly Account[]): IdLedger {
  const grown = { users: { ...ledger.users }, groups: { ...ledger.groups } };
  // One pool for both, so that a user and its own group get the same number and stay readable.
  const used = new Set([
    ...Object.values(grown.users),
    ...Object.values(grown.groups),
    ...[...users, ...groups].map((account) => account.id).filter((id) => !isDynamic(id)),
  ]);
  const names = [...new Set([...users, ...groups].filter((account) => isDynamic(account.id)).map((account) => account.name))].sort(
    compareBytes,
  );
  for (const name of names) {
    const isUser = users.some((user) => user.name === name && isDynamic(user.id));
    const isGroup = groups.some((group) => group.name === name && isDynamic(group.id));
    const known = grown.users[name] ?? grown.groups[name];
    const id = known ?? lowestFree(used);
    used.add(id);
    if (isUser) grown.users[name] ??= id;
    if (isGroup) grown.groups[name] ??= id;
  }
  return grown;
}

function lowestFree(used: ReadonlySet<number>): number {
  for (let id = DYNAMIC_FIRST; id <= DYNAMIC_LAST; id++) if (!used.has(id)) return id;
  throw new RangeError(`all system ids from ${DYNAMIC_FIRST} to ${DYNAMIC_LAST} are taken`);
}

function renumbering(found: readonly Account[], ledger: Readonly<Record<string, number>>): Map<number, number> {
  const map = new Map<number, number>();
  for (const { name, id } of found) {
    const fixed = ledger[name];
    if (isDynamic(id) && fixed !== undefined && fixed !== id) map.set(id, fixed);
  }
  return map;
}

/** Account files are rewritten with the new numbers and sorted by them: their order would otherwise tell who came first. */
function rewriteAccounts(draft: Draft, uids: ReadonlyMap<number, number>, gids: ReadonlyMap<number, number>): void {
  const renumber = (field: string | undefined, map: ReadonlyMap<number, number>): string => String(map.get(Number(field)) ?? field);
  editText(draft, "/etc/passwd", (text) =>
    sortedById(fields(text).map((line) => [...line.slice(0, 2), renumber(line[2], uids), renumber(line[3], gids), ...line.slice(4)])),
  );
  editText(draft, "/etc/group", (text) =>
    sortedById(fields(text).map((line) => [...line.slice(0, 2), renumber(line[2], gids), sortedMembers(line[3])])),
  );
  const order = (path: string): Map<string, number> =>
    new Map(fields(readText(draft, path) ?? "").map((line, index) => [line[0] ?? "", index]));
  const sortLike = (path: string, reference: string): void => {
    const position = order(reference);
    editText(draft, path, (text) =>
      join(fields(text).sort((a, b) => (position.get(a[0] ?? "") ?? Infinity) - (position.get(b[0] ?? "") ?? Infinity))),
    );
  };
  sortLike("/etc/shadow", "/etc/passwd");
  sortLike("/etc/gshadow", "/etc/group");
}

function reowned(node: TreeNode, uids: ReadonlyMap<number, number>, gids: ReadonlyMap<number, number>): TreeNode {
  if (node.kind === "hardlink") return node;
  const uid = uids.get(node.uid) ?? node.uid;
  const gid = gids.get(node.gid) ?? node.gid;
  return uid === node.uid && gid === node.gid ? node : { ...node, uid, gid };
}

function accounts(text: string | undefined): Account[] {
  return fields(text ?? "").map((line) => ({ name: line[0] ?? "", id: Number(line[2]) }));
}

const fields = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
const join = (lines: readonly string[][]): string => lines.map((line) => `${line.join(":")}\n`).join("");
const sortedById = (lines: string[][]): string =>
  join(lines.sort((a, b) => Number(a[2]) - Number(b[2]) || compareBytes(a[0] ?? "", b[0] ?? "")));
const sortedMembers = (members: string | undefined): string =>
  (members ?? "")
    .split(",")
    .filter((name) => name !== "")
    .sort(compareBytes)
    .join(",");
