/** What an image that others made must have to become a machine; asked before anything is built, and answered in one go. */
import { AshlarError } from "#errors";
import { compareBytes, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { fieldOf, parseDeb822 } from "#formats/deb822.ts";
import type { Store } from "#store/store.ts";
import { readText } from "../draft.ts";
import type { Draft } from "../draft.ts";
import type { Tree, TreeNode } from "../tree.ts";

export type ForeignTreeErrorCode =
  /** No Debian, or one whose /bin is not /usr/bin. */
  | "E_IMPORT_DISTRIBUTION"
  /** Packages that a machine needs are not installed. */
  | "E_IMPORT_PACKAGES"
  | "E_IMPORT_NO_KERNEL"
  /** A program that gives more rights than its caller has, of no package. */
  | "E_IMPORT_PRIVILEGED";

export interface ForeignNeeds {
  /** Names of packages, sorted. */
  readonly packages: readonly string[];
  /** Paths that may be setuid, setgid or have capabilities without being a package's. */
  readonly privileged: readonly string[];
}

const DATABASE = "/var/lib/dpkg";
const MERGED = ["bin", "sbin", "lib"];
const LISTED = 12;

/** @throws E_IMPORT_DISTRIBUTION, E_IMPORT_PACKAGES, E_IMPORT_NO_KERNEL, E_IMPORT_PRIVILEGED */
export function requireMachine(tree: Tree, store: Store, needs: ForeignNeeds): void {
  const draft = { nodes: new Map(tree.nodes), store };
  requireDebian(draft);
  requirePackages(draft, needs.packages);
  requireKernel(draft);
  refusePrivileged(draft, needs.privileged);
}

type Readable = Pick<Draft, "nodes" | "store">;

function requireDebian(draft: Readable): void {
  const refuse = (why: string): AshlarError =>
    new AshlarError<ForeignTreeErrorCode>("E_IMPORT_DISTRIBUTION", why, {
      hint: "make the image from Debian 12 or newer, with its package database; nothing was changed",
    });
  const release = readText(draft, "/usr/lib/os-release") ?? readText(draft, "/etc/os-release") ?? "";
  if (!/^ID(_LIKE)?="?(.* )?debian( .*)?"?$/m.test(release)) {
    const name = /^ID="?([^"\n]*)/m.exec(release)?.[1] ?? "unknown";
    throw refuse(`the image is of the distribution ${JSON.stringify(name)}; only Debian and what is made from it can be imported`);
  }
  if (readText(draft, `${DATABASE}/status`) === undefined)
    throw refuse(`the image has no ${DATABASE}/status, so its packages are not known`);
  for (const name of MERGED) {
    const node = draft.nodes.get(`/${name}`);
    if (node?.kind !== "symlink" || !/^\/?usr\//.test(node.target)) throw refuse(`/${name} of the image is no link into /usr`);
  }
}

function requirePackages(draft: Readable, needed: readonly string[]): void {
  const installed = installedPackages(draft);
  const missing = needed.filter((name) => !installed.has(name));
  if (missing.length === 0) return;
  throw new AshlarError<ForeignTreeErrorCode>(
    "E_IMPORT_PACKAGES",
    `the image lacks ${missing.length} package${missing.length === 1 ? "" : "s"} that this machine needs: ${missing.join(" ")}`,
    {
      hint: `in its Containerfile: RUN apt-get update && apt-get install -y --no-install-recommends ${missing.join(" ")}`,
      details: { missing },
    },
  );
}

/** Those whose files are all there, and what they provide. */
function installedPackages(draft: Readable): ReadonlySet<string> {
  const names = new Set<string>();
  for (const stanza of parseDeb822(readText(draft, `${DATABASE}/status`) ?? "")) {
    if (fieldOf(stanza, "Status")?.endsWith(" installed") !== true) continue;
    names.add(fieldOf(stanza, "Package") ?? "");
    for (const provided of (fieldOf(stanza, "Provides") ?? "").split(",")) names.add(provided.trim().split(/[ (]/)[0] ?? "");
  }
  return names;
}

function requireKernel(draft: Readable): void {
  const found = [...draft.nodes.keys()].some((path) => /^(\/boot\/vmlinuz-.+|\/usr\/lib\/modules\/[^/]+\/vmlinuz)$/.test(path));
  if (found) return;
  throw new AshlarError<ForeignTreeErrorCode>("E_IMPORT_NO_KERNEL", "the image has no kernel in /boot or beside its modules", {
    hint: "in its Containerfile: RUN apt-get update && apt-get install -y --no-install-recommends linux-image-amd64",
  });
}

function refusePrivileged(draft: Readable, allowed: readonly string[]): void {
  const owned = ownedPaths(draft);
  const found = [...draft.nodes].flatMap(([path, node]) =>
    isPrivileged(node) && !owned.has(path) && !allowed.includes(toText(path)) ? [toText(path)] : [],
  );
  if (found.length === 0) return;
  const listed = found
    .sort(compareBytes)
    .slice(0, LISTED)
    .map((path) => `  ${path}`);
  throw new AshlarError<ForeignTreeErrorCode>(
    "E_IMPORT_PRIVILEGED",
    `the image has ${found.length} program${found.length === 1 ? "" : "s"} with more rights than their caller, of no package:\n${listed.join("\n")}`,
    { hint: `if that is meant: --privileged ${found[0] ?? ""}; nothing was changed`, details: { paths: found } },
  );
}

function isPrivileged(node: TreeNode): boolean {
  return node.kind === "file" && ((node.mode & 0o6000) !== 0 || (node.xattrs?.has("security.capability") ?? false));
}

/** Every path that dpkg lists; old packages list the short names of what lies in /usr now. */
function ownedPaths(draft: Readable): ReadonlySet<ByteString> {
  const owned = new Set<ByteString>();
  for (const path of draft.nodes.keys()) {
    if (!path.startsWith(`${DATABASE}/info/`) || !path.endsWith(".list")) continue;
    for (const line of (readText(draft, path) ?? "").split("\n")) owned.add(line.replace(/^\/(bin|sbin|lib(?:32|64|x32)?)\//, "/usr/$1/"));
  }
  return owned;
}
