/**
 * Drift: how /etc of a running machine differs from its image. Everything that was changed since the start lies in the
 * upper layer of the overlay, so only that is looked at: its files, its folders, and its whiteouts (what was removed).
 * https://docs.kernel.org/filesystems/overlayfs.html, "whiteouts and opaque directories"
 */
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import type { Stats } from "node:fs";
import { hasErrno } from "#errors";
import { toBuffer, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import { verityDigest } from "#formats/fsverity.ts";

/** What the image says of one path; the reader of images gives more, and fits. */
export interface ImageNode {
  readonly path: ByteString;
  readonly mode: number;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  /** Target of a symbolic link. */
  readonly payload: ByteString | undefined;
  readonly content: Buffer | undefined;
  readonly digest: string | undefined;
}

export interface Drift {
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** What of it changed: "content", "mode", "owner", "kind". */
  readonly what: readonly string[];
}

/** Written by the system itself on every machine; nobody has to be told. */
const EXPECTED: ReadonlyMap<string, string> = new Map([
  ["/etc/.updated", "systemd-update-done's mark"],
  ["/etc/.pwd.lock", "lock of the account tools"],
  ["/etc/machine-id", "made once, kept in /state"],
  ["/etc/ld.so.cache~", "ldconfig's work in progress"],
]);

/**
 * Every path below /etc that differs, sorted by bytes.
 * @param upper the overlay's upper layer; missing means that nothing changed
 * @param image the nodes of the running image, those of /etc at least
 * @param declared the config's `state.etc`, relative to /etc: these are meant to differ
 */
export function driftOf(upper: string, image: Iterable<ImageNode>, declared: readonly string[]): Drift[] {
  const nodes = new Map([...image].map((node) => [node.path, node]));
  const kept = new Set(declared.map((path) => `/etc/${path}`));
  const found: Drift[] = [];
  const visit = (folder: ByteString): void => {
    for (const name of namesIn(upper, folder)) {
      const path = `${folder}/${name}`;
      const text = toText(path);
      if (EXPECTED.has(text) || kept.has(text)) continue;
      const stat = lstatSync(inUpper(upper, path));
      const drift = compare(upper, path, stat, nodes.get(path));
      if (drift !== undefined) found.push(drift);
      if (stat.isDirectory()) visit(path);
    }
  };
  visit("/etc");
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function compare(upper: string, path: ByteString, stat: Stats, node: ImageNode | undefined): Drift | undefined {
  const shown = toText(path);
  if ((stat.mode & S_IFMT) === S_IFCHR && stat.rdev === 0)
    return node === undefined ? undefined : { path: shown, change: "removed", what: [] };
  if (node === undefined) return { path: shown, change: "added", what: [] };
  const what: string[] = [];
  if ((stat.mode & S_IFMT) !== (node.mode & S_IFMT)) what.push("kind");
  else if (!sameContent(upper, path, stat, node)) what.push("content");
  if ((stat.mode & S_IFMT) !== S_IFLNK && (stat.mode & 0o7777) !== (node.mode & 0o7777)) what.push("mode");
  if (stat.uid !== node.uid || stat.gid !== node.gid) what.push("owner");
  return what.length === 0 ? undefined : { path: shown, change: "changed", what };
}

function sameContent(upper: string, path: ByteString, stat: Stats, node: ImageNode): boolean {
  const type = stat.mode & S_IFMT;
  if (type === S_IFDIR) return true;
  if (type === S_IFLNK) return readlinkSync(inUpper(upper, path), { encoding: "latin1" }) === node.payload;
  if (type !== S_IFREG) return true;
  if (stat.size !== node.size) return false;
  const content = readFileSync(inUpper(upper, path));
  return node.digest === undefined ? content.equals(node.content ?? Buffer.alloc(0)) : verityDigest(content) === node.digest;
}

function namesIn(upper: string, folder: ByteString): ByteString[] {
  try {
    return readdirSync(inUpper(upper, folder), { encoding: "latin1" });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** The upper layer holds what is below /etc, without that name. */
function inUpper(upper: string, path: ByteString): Buffer {
  return Buffer.concat([Buffer.from(upper), toBuffer(path.slice("/etc".length))]);
}
