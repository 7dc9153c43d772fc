/**
 * Account files of a composed generation. A user's number must be the same in both: files under /home and /var belong to
 * numbers, and are one for all generations.
 */
import { AshlarError } from "#errors";
import type { ByteString } from "#formats/bytes.ts";
import type { ComposeErrorCode } from "./errors.ts";
import type { Root } from "./root.ts";

const SECONDS_PER_DAY = 86400;

/** Contents of /etc/passwd, group, shadow and gshadow with some users as the older generation has them. */
export function composeAccounts(newer: Root, older: Root, users: readonly string[]): ReadonlyMap<ByteString, ByteString> {
  if (users.length === 0) return new Map();
  const tables = TABLES.map((path) => ({ path, newer: read(newer, path), older: read(older, path) }));
  const [passwd, group, shadow, gshadow] = tables as [Table, Table, Table, Table];
  for (const name of [...users].sort()) {
    sameNumber(name, passwd);
    if (passwd.newer.has(name) !== passwd.older.has(name) || group.older.has(name) !== group.newer.has(name)) sameNumber(name, group);
    replace(passwd, name, newer);
    replace(shadow, name, newer);
    const aged = shadow.newer.get(name);
    // The day of an image is its own, for all of its accounts.
    if (aged !== undefined)
      shadow.newer.set(name, [aged[0] ?? "", aged[1] ?? "", String(Math.floor(newer.image.epoch / SECONDS_PER_DAY)), ...aged.slice(3)]);
    // A group of the user's own comes and goes with the user.
    if (passwd.newer.has(name) !== group.newer.has(name)) for (const table of [group, gshadow]) replace(table, name, newer);
    memberships(name, group, newer);
    memberships(name, gshadow, newer);
  }
  return new Map(tables.map(({ path, newer: records }) => [path, [...records.values()].map((fields) => `${fields.join(":")}\n`).join("")]));
}

const TABLES = ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"] as const;
type Records = Map<string, readonly string[]>;

interface Table {
  readonly path: ByteString;
  readonly newer: Records;
  readonly older: Records;
}

function read(root: Root, path: ByteString): Records {
  const lines = (root.text(path) ?? "").split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => line.split(":")).map((fields) => [fields[0] ?? "", fields]));
}

function sameNumber(name: string, { path, newer, older }: Table): void {
  const [here, there] = [newer.get(name), older.get(name)];
  const taken = there === undefined ? undefined : [...newer.values()].find((fields) => fields[2] === there[2] && fields[0] !== name);
  if (taken !== undefined) throw otherNumber(name, path, `the older generation's number ${there?.[2]} belongs to ${taken[0]} now`);
  if (here !== undefined && there !== undefined && (here[2] !== there[2] || here[3] !== there[3]) && path === "/etc/passwd")
    throw otherNumber(
      name,
      path,
      `it has the numbers ${here[2]}:${here[3]} in this generation and ${there[2]}:${there[3]} in the older one`,
    );
}

/** Puts the older record in the place of the newer one; a new one comes before the next user of the config, as a build has it. */
function replace({ newer, older }: Table, name: string, root: Root): void {
  const record = older.get(name);
  if (record === undefined) newer.delete(name);
  else if (newer.has(name)) newer.set(name, record);
  else {
    const declared = new Set(Object.keys(root.system.users));
    const all = [...newer];
    const at = all.findIndex(([other]) => declared.has(other) && other !== "root" && other > name);
    all.splice(at < 0 ? all.length : at, 0, [name, record]);
    newer.clear();
    for (const [key, value] of all) newer.set(key, value);
  }
}

function memberships(name: string, { newer, older }: Table, root: Root): void {
  for (const [group, fields] of newer) {
    const members = membersOf(fields);
    const was = membersOf(older.get(group)).includes(name);
    const is = members.includes(name);
    if (was === is) continue;
    const declared = new Set(Object.keys(root.system.users));
    const at = members.findIndex((other) => declared.has(other) && other > name);
    const next = was ? members.toSpliced(at < 0 ? members.length : at, 0, name) : members.filter((other) => other !== name);
    newer.set(group, [...fields.slice(0, 3), next.join(",")]);
  }
}

function membersOf(fields: readonly string[] | undefined): string[] {
  return (fields?.[3] ?? "").split(",").filter((name) => name !== "");
}

function otherNumber(name: string, path: ByteString, why: string): AshlarError<ComposeErrorCode> {
  return new AshlarError("E_COMPOSE_IDS", `${path}: ${name} cannot go back by itself: ${why}`, {
    hint: "go back as a whole (`ashlar rollback`); nothing was changed",
    details: { path, name },
  });
}
