/**
 * Numbers of the system users and groups that a layer brings. They follow from the names alone, so that they are the same
 * whatever was added before: a number of the range is picked by the name's hash, and when two names want the same one, the
 * name that comes later in byte order takes the next. docs/decisions/layers.md
 */
import { hash } from "node:crypto";
import { compareBytes } from "#formats/bytes.ts";
import { editText, readText } from "../draft.ts";
import type { Draft } from "../draft.ts";

/** Below 1000, so that everything takes them for system users; above what the ledger of a base ever reaches from 101 upwards. */
const FIRST = 500;
const LAST = 999;
/** Debian Policy 9.2.2: what adduser and sysusers allocate; the group "users", which is 100 in every base, is never new. */
const ALLOCATED_FIRST = 100;

export interface Renumbering {
  readonly uids: ReadonlyMap<number, number>;
  readonly gids: ReadonlyMap<number, number>;
}

/**
 * Renumbers the accounts that `delta` has and `base` has not, and puts the account files of `delta` into an order that does
 * not tell which script ran first: the base's lines as they were, then the new ones by number.
 * @returns old to new numbers, for the owners of files
 */
export function numberAccounts(delta: Draft, base: Pick<Draft, "nodes" | "store">): Renumbering {
  const [users, groups] = [newAccounts(delta, base, "/etc/passwd"), newAccounts(delta, base, "/etc/group")];
  const used = new Set([...records(base, "/etc/passwd"), ...records(base, "/etc/group")].map((fields) => Number(fields[2])));
  const numbers = numbersOf([...users.keys(), ...groups.keys()], used);
  const uids = renumbering(users, numbers);
  const gids = renumbering(groups, numbers);
  const rewrite = (path: string, like: string, change: (fields: string[]) => string[]): void => {
    const order = orderOf(records(base, like), numbers);
    editText(delta, path, (text) =>
      join(
        parse(text)
          .map(change)
          .sort((a, b) => order(a[0]) - order(b[0]) || compareBytes(a[0] ?? "", b[0] ?? "")),
      ),
    );
  };
  const put = (fields: string[], at: number, map: ReadonlyMap<number, number>): string[] =>
    fields.with(at, String(map.get(Number(fields[at])) ?? fields[at]));
  rewrite("/etc/passwd", "/etc/passwd", (fields) => put(put(fields, 2, uids), 3, gids));
  rewrite("/etc/group", "/etc/group", (fields) => put(fields, 2, gids));
  rewrite("/etc/shadow", "/etc/passwd", (fields) => fields);
  rewrite("/etc/gshadow", "/etc/group", (fields) => fields);
  return { uids, gids };
}

/**
 * A number for each name, none of them in `used`. A user and its group share a name, and so a number.
 * @throws RangeError when the range is full
 */
export function numbersOf(names: readonly string[], used: ReadonlySet<number>): Map<string, number> {
  const taken = new Set(used);
  const numbers = new Map<string, number>();
  for (const name of [...new Set(names)].sort(compareBytes)) {
    const wanted = hash("sha256", name, "buffer").readUInt32BE(0) % (LAST - FIRST + 1);
    const free = Array.from({ length: LAST - FIRST + 1 }, (_, step) => FIRST + ((wanted + step) % (LAST - FIRST + 1)));
    const number = free.find((candidate) => !taken.has(candidate));
    if (number === undefined) throw new RangeError(`all numbers from ${FIRST} to ${LAST} are taken`);
    taken.add(number);
    numbers.set(name, number);
  }
  return numbers;
}

/** Names that only the delta has, with the number that a script got for them; those with a number of their own choice stay. */
function newAccounts(delta: Draft, base: Pick<Draft, "nodes" | "store">, path: string): Map<string, number> {
  const before = new Set(records(base, path).map((fields) => fields[0]));
  return new Map(
    records(delta, path)
      .map((fields) => [fields[0] ?? "", Number(fields[2])] as const)
      .filter(([name, id]) => !before.has(name) && id >= ALLOCATED_FIRST && id <= LAST),
  );
}

function renumbering(accounts: ReadonlyMap<string, number>, numbers: ReadonlyMap<string, number>): Map<number, number> {
  return new Map([...accounts].map(([name, id]) => [id, numbers.get(name) ?? id]));
}

/** The base's names by their line, then new ones by number. */
function orderOf(base: readonly string[][], numbers: ReadonlyMap<string, number>): (name: string | undefined) => number {
  const lines = new Map(base.map((fields, line) => [fields[0], line]));
  return (name = "") => lines.get(name) ?? base.length + (numbers.get(name) ?? 0);
}

const records = (draft: Pick<Draft, "nodes" | "store">, path: string): string[][] => parse(readText(draft, path) ?? "");
const parse = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
const join = (lines: readonly string[][]): string => lines.map((fields) => `${fields.join(":")}\n`).join("");
