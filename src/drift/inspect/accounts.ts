/** Users and groups that were added, removed or changed. Names and fields only: hashes are compared, never shown. */
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";

const PASSWD = ["name", "password", "uid", "gid", "comment", "home", "shell"];
const SHADOW = ["name", "password", "changed", "minimum", "maximum", "warning", "inactive", "expiry"];
const GROUP = ["name", "password", "gid", "members"];

/** Files whose differences are told by account. */
export const ACCOUNT_FILES: ReadonlySet<string> = new Set(["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"]);

export function inspectAccounts(facts: Facts): Finding[] {
  return [
    ...told("user", [compare(facts, "/etc/passwd", PASSWD), compare(facts, "/etc/shadow", SHADOW)]),
    ...told("group", [
      compare(facts, "/etc/group", GROUP),
      compare(facts, "/etc/gshadow", ["name", "password", "administrators", "members"]),
    ]),
  ];
}

interface Change {
  readonly change: "added" | "removed" | "changed";
  readonly what: readonly string[];
}

function told(kind: "user" | "group", files: readonly ReadonlyMap<string, Change>[]): Finding[] {
  const names = new Set(files.flatMap((file) => [...file.keys()]));
  return [...names].map((name) => {
    const changes = files.flatMap((file) => file.get(name) ?? []);
    const change = files[0]?.get(name)?.change ?? "changed";
    const what = change === "changed" ? [...new Set(changes.flatMap(({ what }) => what))] : [];
    return { kind, name, change, what };
  });
}

function compare({ etc, image }: Facts, path: string, fields: readonly string[]): ReadonlyMap<string, Change> {
  const node = etc.find((each) => each.path === path && each.kind === "file");
  const found = new Map<string, Change>();
  if (node === undefined) return found;
  const [before, now] = [records(image.text(path) ?? ""), records(node.content().toString())];
  for (const [name, record] of now) {
    const old = before.get(name);
    if (old === undefined) found.set(name, { change: "added", what: [] });
    else {
      const what = fields.filter((_field, at) => (old[at] ?? "") !== (record[at] ?? ""));
      if (what.length > 0) found.set(name, { change: "changed", what });
    }
  }
  for (const name of before.keys()) if (!now.has(name)) found.set(name, { change: "removed", what: [] });
  return found;
}

function records(text: string): Map<string, string[]> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => line.split(":")).map((fields) => [fields[0] ?? "", fields]));
}
