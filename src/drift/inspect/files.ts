/** Files, folders and links that differ from the image: content, mode, owner, extended attributes, kind. */
import { toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { DumpInode } from "#formats/composefs/dump-entry.ts";
import { verityDigest } from "#formats/fsverity.ts";
import type { Finding } from "../finding.ts";
import type { UpperNode } from "../gather/upper.ts";
import { kindOf } from "../image.ts";
import type { ImageView } from "../image.ts";
import { isSecret } from "../secret.ts";

/** Written by the system itself on every machine; nobody has to be told. */
const EXPECTED: ReadonlyMap<string, string> = new Map([
  ["/etc/.updated", "systemd-update-done's mark"],
  ["/etc/.pwd.lock", "lock of the account tools"],
  ["/etc/machine-id", "made once, kept in /state"],
  ["/etc/ld.so.cache~", "ldconfig's work in progress"],
  ["/etc/passwd-", "what the account tools found before"],
  ["/etc/group-", "what the account tools found before"],
  ["/etc/shadow-", "what the account tools found before"],
  ["/etc/gshadow-", "what the account tools found before"],
  ["/etc/subuid-", "what the account tools found before"],
  ["/etc/subgid-", "what the account tools found before"],
]);

export interface FilesRequest {
  readonly kind: "file" | "usr";
  readonly image: ImageView;
  /** Absolute paths that are meant to differ, with everything below them: the config's `state.etc`. */
  readonly kept: readonly string[];
}

/** Every node of an upper layer that differs from the image. */
export function inspectFiles(upper: readonly UpperNode[], { kind, image, kept }: FilesRequest): Finding[] {
  const held = new Set(upper.map(({ path }) => path));
  const folders = new Set(upper.map(({ path }) => path.slice(0, path.lastIndexOf("/"))));
  const isMeant = (path: string): boolean => EXPECTED.has(path) || kept.some((own) => path === own || path.startsWith(`${own}/`));
  const found = upper.flatMap((node) => {
    const removed = node.opaque ? hiddenBy(node.path, image, held) : [];
    const own = compare(node, image.node(node.path), { kind, image, isEmpty: !folders.has(node.path) });
    return [...(own === undefined ? [] : [own]), ...removed.map((path): Finding => gone(kind, path))];
  });
  return found.filter(({ name }) => !isMeant(name));
}

/** What of a node is not as the image says; empty when nothing is. */
function differences(node: UpperNode, original: DumpInode, image: ImageView): string[] {
  const what: string[] = [];
  if (node.kind !== kindOf(original.mode)) what.push("kind");
  else if (!sameContent(node, original, image)) what.push("content");
  if (node.kind !== "symlink" && (node.mode & 0o7777) !== (original.mode & 0o7777)) what.push("mode");
  if (node.uid !== original.uid || node.gid !== original.gid) what.push("owner");
  if (!sameXattrs(node.xattrs, original.xattrs)) what.push("xattrs");
  return what;
}

interface Compared {
  readonly kind: "file" | "usr";
  readonly image: ImageView;
  /** Nothing else of the layer lies in it. */
  readonly isEmpty: boolean;
}

function compare(node: UpperNode, original: DumpInode | undefined, { kind, image, isEmpty }: Compared): Finding | undefined {
  if (node.kind === "whiteout") return original === undefined ? undefined : gone(kind, node.path);
  const name = toText(node.path);
  const secret = isSecret(name, node.mode) ? { secret: true as const } : {};
  if (original === undefined) {
    // A folder that somebody made is worth a line only for its own sake: what is in it has lines.
    const usual = (node.mode & 0o7777) === 0o755 && node.uid === 0 && node.gid === 0;
    return node.kind === "directory" && !isEmpty && usual ? undefined : { kind, name, change: "added", what: [], ...secret };
  }
  const what = differences(node, original, image);
  return what.length === 0 ? undefined : { kind, name, change: "changed", what, ...secret };
}

function gone(kind: "file" | "usr", path: ByteString): Finding {
  return { kind, name: toText(path), change: "removed", what: [] };
}

/** The image's paths that an opaque folder hides and does not bring itself; of a hidden folder, only the folder. */
function hiddenBy(folder: ByteString, image: ImageView, held: ReadonlySet<ByteString>): ByteString[] {
  const hidden: ByteString[] = [];
  for (const path of image.below(folder)) {
    const last = hidden.at(-1);
    if (!held.has(path) && (last === undefined || !path.startsWith(`${last}/`))) hidden.push(path);
  }
  return hidden;
}

function sameContent(node: UpperNode, original: DumpInode, image: ImageView): boolean {
  if (node.kind === "symlink") return node.target === original.payload;
  if (node.kind !== "file") return true;
  if (node.size !== original.size) return false;
  const content = node.content();
  return original.digest === undefined ? content.equals(image.content(original)) : verityDigest(content) === original.digest;
}

function sameXattrs(a: ReadonlyMap<ByteString, ByteString>, b: ReadonlyMap<ByteString, ByteString>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
