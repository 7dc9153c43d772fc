/**
 * /var, /root, /home and /srv are the machine's, not the image's. What packages put there is classified, and becomes
 * instructions that make it on the machine (tmpfiles.d) or an original to copy from once (/usr/share/factory).
 * A file that no rule knows fails the build with its name: silently dropping it would break a service later.
 */
import { AshlarError } from "#errors";
import { compareBytes, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { below, movePath, putFile, readText, removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { compilePattern } from "../pattern.ts";
import type { TreeNode } from "../tree.ts";
import { DPKG_DATABASE } from "./database.ts";

export type VarClass = "state" | "cache" | "log" | "ephemeral";

export type MutableErrorCode = "E_TREE_UNCLASSIFIED";

/** `factory`: copied to the machine once, when missing. `discard`: nobody needs it there, or it is made anew. */
const RULES: readonly { readonly pattern: string; readonly fate: "factory" | "discard"; readonly why: string }[] = [
  { pattern: "/var/lib/systemd/deb-systemd-*", fate: "discard", why: "dpkg's memory of what it enabled" },
  { pattern: "/var/lib/systemd/deb-systemd-*/**", fate: "discard", why: "dpkg's memory of what it enabled" },
  { pattern: "/var/lib/ucf/**", fate: "discard", why: "conffile history; files come from the image" },
  { pattern: "/var/lib/pam/**", fate: "discard", why: "pam-auth-update's memory; needed only at build time" },
  { pattern: "/var/lib/shells.state", fate: "discard", why: "add-shell's memory" },
  { pattern: "/var/lib/dbus/machine-id", fate: "discard", why: "identity of one machine" },
  { pattern: "/var/lib/initramfs-tools/**", fate: "discard", why: "the initrd is Ashlar's" },
  { pattern: "/var/lib/grub/**", fate: "discard", why: "the boot loader is systemd-boot" },
  { pattern: "/var/lib/systemd/random-seed", fate: "discard", why: "identity of one machine" },
  { pattern: "/var/lib/systemd/credential.secret", fate: "discard", why: "secret of one machine" },
  { pattern: "/var/lib/sgml-base/**", fate: "discard", why: "catalogs are in /etc and /usr" },
  { pattern: "/var/lib/xml-core/**", fate: "discard", why: "catalogs are in /etc and /usr" },
  { pattern: "/var/lib/dictionaries-common/**", fate: "factory", why: "tables that programs read" },
  { pattern: "/var/lib/emacsen-common/**", fate: "discard", why: "package scripts' memory" },
  { pattern: "/var/lib/python/**", fate: "discard", why: "package scripts' memory" },
  { pattern: "/var/lib/ghostscript/**", fate: "factory", why: "links that ghostscript reads" },
  { pattern: "/var/lib/polkit-1/**", fate: "factory", why: "local rules" },
  { pattern: "/var/lib/fonts/**", fate: "discard", why: "made anew" },
  { pattern: "/var/lib/logrotate/**", fate: "discard", why: "dates" },
  { pattern: "/var/lib/vim/**", fate: "discard", why: "package scripts' memory" },
  { pattern: "/var/lib/xkb/README.compiled", fate: "discard", why: "describes a cache of the X server that nothing fills" },
  { pattern: "/var/lib/apt/**", fate: "discard", why: "the archive's indexes are the lock's business" },
  { pattern: "/var/lib/dpkg/**", fate: "discard", why: "moved to /usr/lib/sysimage/dpkg" },
  { pattern: "/var/www/**", fate: "factory", why: "a site's first content" },
  { pattern: "/var/lib/*/.keep", fate: "discard", why: "keeps a folder, which is kept anyway" },
  { pattern: "/root/**", fate: "factory", why: "skeleton of root's home" },
  { pattern: "/home/**", fate: "discard", why: "homes are made on the machine" },
  { pattern: "/srv/**", fate: "factory", why: "a service's first content" },
];

const rules = RULES.map((rule) => ({ ...rule, matches: compilePattern(rule.pattern) }));

/** Where an image says how to make these folders; the lexicographically first file wins over packages' own lines (tmpfiles.d(5)). */
export const FACTORY_LINES = "/usr/lib/tmpfiles.d/00-ashlar.conf";

/** Originals, for tmpfiles.d(5) to copy or link to. */
const FACTORY = "/usr/share/factory";

/** The mount points of mutable data; their own mode is set by the boot stage. */
export const MUTABLE = ["/var", "/root", "/home", "/srv"] as const;

/**
 * Empties the mutable folders of a draft and writes what makes their content on the machine.
 * @param classes the config's `state.var`
 * @param declared paths that the config itself puts there: they stay the image's, behind links that every start renews
 * @throws E_TREE_UNCLASSIFIED with every file that no rule knows
 */
export function classifyMutable(draft: Draft, classes: Readonly<Record<string, VarClass>>, declared: ReadonlySet<ByteString>): void {
  const names = ownerNames(draft);
  const lines: string[] = [];
  const unknown: ByteString[] = [];
  for (const path of MUTABLE.flatMap((folder) => below(draft.nodes, folder))) {
    const node = draft.nodes.get(path);
    if (node === undefined) continue;
    const fate = fateOf(path, classes);
    if (node.kind === "directory") {
      if (fate !== "discard" || !path.startsWith("/var/lib/")) lines.push(line("d", path, node, names));
    } else if (declared.has(path)) {
      movePath(draft, path, `${FACTORY}${path}`);
      lines.push(`L+ ${escape(path)} - - - - ${FACTORY}${escape(path)}`);
    } else if (fate === "factory" && (node.kind === "file" || node.kind === "symlink")) {
      movePath(draft, path, `${FACTORY}${path}`);
      lines.push(
        node.kind === "file" ? `C ${escape(path)} - - - - ${FACTORY}${escape(path)}` : `L ${escape(path)} - - - - ${escape(node.target)}`,
      );
    } else if (node.kind === "symlink" && fate === undefined) {
      lines.push(`L ${escape(path)} - - - - ${escape(node.target)}`);
    } else if (fate === undefined) {
      unknown.push(path);
    }
  }
  if (unknown.length > 0) throw unclassified(unknown);
  for (const folder of MUTABLE) for (const path of below(draft.nodes, folder)) removePath(draft, path);
  lines.push(
    ...Object.keys(classes)
      .filter((path) => !lines.some((text) => text.startsWith(`d ${path} `)))
      .map((path) => `d ${path} 0755 root root -`),
  );
  lines.push(`L+ /var/lib/dpkg - - - - ../..${DPKG_DATABASE}`);
  const text = ["# Made by Ashlar: what packages put into /var, /root, /home and /srv.", ...lines.sort(byPath)].join("\n");
  putFile(draft, FACTORY_LINES, `${text}\n`, { mode: 0o644, uid: 0, gid: 0 });
}

/** What becomes of a path in one of these folders; undefined for a file that neither the config nor a rule knows. */
export function fateOf(path: ByteString, classes: Readonly<Record<string, VarClass>>): "factory" | "discard" | undefined {
  for (const [declared, kind] of Object.entries(classes)) {
    if (path === declared || path.startsWith(`${declared}/`)) return kind === "state" ? "factory" : "discard";
  }
  return rules.find((rule) => rule.matches(path))?.fate;
}

interface OwnerNames {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

/** tmpfiles lines name owners, so that they stay right when a number ever changes. */
function ownerNames(draft: Draft): OwnerNames {
  const read = (path: string): Map<number, string> =>
    new Map(
      (readText(draft, path) ?? "")
        .split("\n")
        .map((text) => text.split(":"))
        .map((fields) => [Number(fields[2]), fields[0] ?? ""]),
    );
  return { users: read("/etc/passwd"), groups: read("/etc/group") };
}

function line(type: "d", path: ByteString, node: Extract<TreeNode, { kind: "directory" }>, names: OwnerNames): string {
  const owner = names.users.get(node.uid) ?? String(node.uid);
  const group = names.groups.get(node.gid) ?? String(node.gid);
  return `${type} ${escape(path)} ${node.mode.toString(8).padStart(4, "0")} ${owner} ${group} -`;
}

/** tmpfiles.d(5): fields are separated by blanks, `%` starts a specifier. */
function escape(path: ByteString): string {
  return toText(path).replaceAll("%", "%%").replaceAll("\\", "\\\\").replaceAll(" ", "\\x20");
}

const byPath = (a: string, b: string): number => compareBytes(a.split(" ")[1] ?? "", b.split(" ")[1] ?? "");

function unclassified(paths: readonly ByteString[]): AshlarError<MutableErrorCode> {
  const listed = paths
    .slice(0, 20)
    .map((path) => `  ${toText(path)}`)
    .join("\n");
  const more = paths.length > 20 ? `\n  and ${paths.length - 20} more` : "";
  return new AshlarError(
    "E_TREE_UNCLASSIFIED",
    `packages put ${paths.length} file(s) into the machine's own folders, and no rule says what becomes of them:\n${listed}${more}`,
    {
      hint: `say so in the config, e.g. state: { var: { ${JSON.stringify(toText(paths[0] ?? ""))}: "state" } } (kept, copied once) or "cache" (dropped)`,
      details: { paths: paths.map(toText) },
    },
  );
}
