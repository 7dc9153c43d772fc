/** Owners are numbers in an image: what comes from the older one must mean the same users and groups in this one. */
import { AshlarError } from "#errors";
import { toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { Origin } from "./decide.ts";
import type { ComposeErrorCode } from "./errors.ts";
import type { Root } from "./root.ts";

/** @throws E_COMPOSE_IDS naming the first path whose owner would be somebody else */
export function requireSameOwners(newer: Root, older: Root, origins: ReadonlyMap<ByteString, Origin>): void {
  const kinds = [
    { field: "uid", file: "/etc/passwd", here: namesIn(newer, "/etc/passwd"), there: namesIn(older, "/etc/passwd") },
    { field: "gid", file: "/etc/group", here: namesIn(newer, "/etc/group"), there: namesIn(older, "/etc/group") },
  ] as const;
  for (const [path, origin] of origins) {
    const inode = origin === "older" ? older.inode(path) : undefined;
    if (inode === undefined) continue;
    for (const { field, file, here, there } of kinds) {
      const id = inode[field];
      if (here.get(id) === there.get(id)) continue;
      const says = (name: string | undefined): string => (name === undefined ? "nobody's" : `that of ${name}`);
      throw new AshlarError<ComposeErrorCode>(
        "E_COMPOSE_IDS",
        `${toText(path)} has the ${field} ${id}, which is ${says(there.get(id))} in the older generation and ${says(here.get(id))} in this one (${file})`,
        { hint: "go back as a whole (`ashlar rollback`); nothing was changed", details: { path: toText(path), id } },
      );
    }
  }
}

/**
 * A package that this generation lacks may need accounts that its installation made.
 * @throws E_COMPOSE_IDS naming the account
 */
export function requireAccounts(newer: Root, older: Root, packages: ReadonlySet<string>): void {
  const coming = [...packages].filter((name) => older.database.packages.has(name) && !newer.database.packages.has(name));
  for (const file of ["/etc/passwd", "/etc/group"]) {
    const here = new Set(namesIn(newer, file).values());
    for (const account of new Set(namesIn(older, file).values())) {
      const name = here.has(account) ? undefined : coming.find((candidate) => speaksOf(older, candidate, account));
      if (name === undefined) continue;
      throw new AshlarError<ComposeErrorCode>(
        "E_COMPOSE_IDS",
        `${name} needs the account ${account}, which this generation does not have (${file})`,
        {
          hint: "go back as a whole (`ashlar rollback`); nothing was changed",
          details: { package: name, account },
        },
      );
    }
  }
}

function speaksOf(root: Root, name: string, account: string): boolean {
  const word = new RegExp(`(?<![\\w-])${RegExp.escape(account)}(?![\\w-])`);
  const declared = root.database.pathsOf(name).filter((path) => path.startsWith("/usr/lib/sysusers.d/"));
  return [...root.database.scriptsOf(name), ...declared.map((path) => root.text(path) ?? "")].some((content) => word.test(content));
}

function namesIn(root: Root, path: ByteString): Map<number, string> {
  const lines = (root.text(path) ?? "").split("\n").map((line) => line.split(":"));
  return new Map(lines.flatMap(([name, , id]) => (name === undefined || id === undefined ? [] : [[Number(id), name] as const])));
}
