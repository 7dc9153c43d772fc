/** Users and groups of the config, written into the account files of the image. */
import { AshlarError } from "#errors";
import type { System } from "#config/system.ts";
import { editText, putDirectory, putFile, readText } from "../draft.ts";
import type { Draft } from "../draft.ts";
import type { IdLedger } from "../ids.ts";

export type AccountErrorCode = "E_TREE_UNKNOWN_GROUP" | "E_TREE_ID_TAKEN" | "E_TREE_UNKNOWN_USER";

const FIRST_PERSON = 1000;
const LOCKED = "!*";

/**
 * Adds the config's groups, then its users; existing names (root, say) are changed instead.
 * @returns the ledger with the numbers that people and their groups got: a new name must not shift the owner of a home
 */
export function renderAccounts(draft: Draft, system: System, ledger: IdLedger): IdLedger {
  const ids = { users: { ...ledger.users }, groups: { ...ledger.groups } };
  const groups = parse(readText(draft, "/etc/group"));
  const users = parse(readText(draft, "/etc/passwd"));
  const shadow = parse(readText(draft, "/etc/shadow"));
  const day = String(Math.floor(draft.mtime / 86400));

  for (const [name, spec] of sorted(system.groups)) {
    const group = groups.get(name) ?? add(groups, [name, "x", String(spec.gid ?? (ids.groups[name] ??= freeId(ids, groups, users))), ""]);
    for (const member of spec.members) join(group, member);
  }
  for (const [name, spec] of sorted(system.users)) {
    const existing = users.get(name);
    const id = existing?.[2] ?? String(spec.uid ?? (ids.users[name] ??= freeId(ids, users, groups)));
    if (existing === undefined && [...users.values()].some((user) => user[2] === id)) throw taken(name, id);
    const own = existing?.[3] ?? (groups.get(name) ?? add(groups, [name, "x", id, ""]))[2] ?? id;
    users.set(name, [name, "x", id, own, spec.comment, spec.home, spec.shell]);
    shadow.set(name, [name, spec.passwordHash ?? shadow.get(name)?.[1] ?? LOCKED, day, "0", "99999", "7", "", "", ""]);
    for (const group of spec.groups) join(groups.get(group) ?? unknownGroup(name, group, groups), name);
    renderHome(draft, name, spec.home, Number(id), Number(own), spec.sshKeys);
    if (spec.sudo !== "no")
      putFile(draft, `/etc/sudoers.d/50-ashlar-${name}`, `${name} ALL=(ALL:ALL) ${spec.sudo === "nopassword" ? "NOPASSWD: " : ""}ALL\n`, {
        mode: 0o440,
        uid: 0,
        gid: 0,
      });
  }
  write(draft, "/etc/group", groups);
  write(draft, "/etc/passwd", users);
  write(draft, "/etc/shadow", shadow);
  editText(
    draft,
    "/etc/gshadow",
    (text) =>
      text +
      [...groups.values()]
        .filter((group) => !new RegExp(`^${group[0]}:`, "m").test(text))
        .map((group) => `${group[0]}:!::${group[3]}\n`)
        .join(""),
  );
  return ids;
}

/** Numbers of a user and group by name or digits; for owners of files. */
export function ownerOf(draft: Draft, owner: string, group: string): { uid: number; gid: number } {
  const uid = /^\d+$/.test(owner) ? Number(owner) : Number(parse(readText(draft, "/etc/passwd")).get(owner)?.[2] ?? Number.NaN);
  const gid = /^\d+$/.test(group) ? Number(group) : Number(parse(readText(draft, "/etc/group")).get(group)?.[2] ?? Number.NaN);
  if (Number.isNaN(uid))
    throw new AshlarError<AccountErrorCode>("E_TREE_UNKNOWN_USER", `there is no user ${owner} to own a file`, {
      hint: "declare it in users, or name one that a package brings",
    });
  if (Number.isNaN(gid))
    throw new AshlarError<AccountErrorCode>("E_TREE_UNKNOWN_GROUP", `there is no group ${group} to own a file`, {
      hint: "declare it in groups, or name one that a package brings",
    });
  return { uid, gid };
}

/** Keys lie in the image, where their owner cannot change them and a rollback takes them along; sshd reads both places. */
function renderHome(draft: Draft, name: string, home: string, uid: number, gid: number, keys: readonly string[]): void {
  if (keys.length > 0) {
    putDirectory(draft, "/etc/ssh/authorized_keys.d", { mode: 0o755, uid: 0, gid: 0 });
    putFile(draft, `/etc/ssh/authorized_keys.d/${name}`, keys.map((key) => `${key}\n`).join(""), { mode: 0o644, uid: 0, gid: 0 });
  }
  if (uid < FIRST_PERSON || home === "/nonexistent") return;
  const line = `d ${home} 0700 ${name} ${gid} -\n`;
  const path = "/usr/lib/tmpfiles.d/01-ashlar-homes.conf";
  putFile(draft, path, (readText(draft, path) ?? "") + line, { mode: 0o644, uid: 0, gid: 0 });
}

type Records = Map<string, string[]>;

function parse(text: string | undefined): Records {
  return new Map(
    (text ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split(":"))
      .map((fields) => [fields[0] ?? "", fields]),
  );
}

function write(draft: Draft, path: string, records: Records): void {
  editText(draft, path, () => [...records.values()].map((fields) => `${fields.join(":")}\n`).join(""));
}

function add(records: Records, fields: string[]): string[] {
  records.set(fields[0] ?? "", fields);
  return fields;
}

function join(group: string[], member: string): void {
  const members = (group[3] ?? "").split(",").filter((name) => name !== "");
  if (!members.includes(member)) group[3] = [...members, member].join(",");
}

function freeId(ids: IdLedger, ...tables: readonly Records[]): number {
  const reserved = [...Object.values(ids.users), ...Object.values(ids.groups)];
  const used = new Set([...reserved, ...tables.flatMap((table) => [...table.values()].map((fields) => Number(fields[2])))]);
  let id = FIRST_PERSON;
  while (used.has(id)) id++;
  return id;
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function unknownGroup(user: string, group: string, groups: Records): never {
  throw new AshlarError<AccountErrorCode>(
    "E_TREE_UNKNOWN_GROUP",
    `users.${user}.groups names the group ${group}, which neither the config nor a package brings`,
    {
      hint: `declare it: groups: { ${JSON.stringify(group)}: {} }; there are: ${[...groups.keys()].join(", ")}`,
    },
  );
}

function taken(user: string, id: string): AshlarError<AccountErrorCode> {
  return new AshlarError("E_TREE_ID_TAKEN", `users.${user}.uid ${id} belongs to another user already`, {
    hint: "choose a free number, or leave uid out",
  });
}
