/**
 * A real folder, such as the finished root of a build, as a Tree; contents go to the store.
 *
 * What is read: names, kinds, permissions, owners, link targets, device numbers, and the extended attributes that carry
 * meaning (file capabilities and ACLs). What is not: times, inode numbers, link counts, holes, host attributes.
 */
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import type { Stats } from "node:fs";
import { compareBytes, fromText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { Step } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import { getXattr, listXattrs } from "#sys/xattr.ts";
import { createContents } from "./contents.ts";
import { createHardlinks } from "./hardlinks.ts";
import { INLINE_CONTENT_MAX } from "./tree.ts";
import type { Ownership, Tree, TreeNode } from "./tree.ts";

export interface ScanOptions {
  /** Seconds since 1970 of every inode of the tree. */
  readonly mtime: number;
  /** Leaves a path out, with everything below it. Paths are those of the tree ("/usr/bin"). */
  readonly skip?: (path: ByteString) => boolean;
  /** Moves the files into the store: much faster, and the folder is of no more use afterwards, also after an error. */
  readonly move?: boolean;
  readonly report?: Step;
}

/** Attributes that are part of a system. Changing this changes the digest of images that have others. */
const KEPT_XATTRS: ReadonlySet<ByteString> = new Set(["security.capability", "system.posix_acl_access", "system.posix_acl_default"]);

/**
 * Reads the tree below `root` and stores its contents. Not durable before `store.flush()`.
 * @throws E_STORE_CHANGED when a file changes meanwhile; system errors (ENOENT, EACCES) with their path
 */
export async function scanTree(root: string, store: Store, options: ScanOptions): Promise<Tree> {
  const top = fromText(root.replace(/\/+$/, ""));
  const nodes = new Map<ByteString, TreeNode>();
  const hardlinks = createHardlinks();
  const contents = createContents(store, options.move ?? false, options.report);

  const visit = (path: ByteString, parent: ByteString): void => {
    const real = top + path;
    const stats = lstatSync(fsPath(real));
    const ownership = ownershipOf(real, stats);
    if (stats.isDirectory()) {
      nodes.set(path, { kind: "directory", ...ownership });
      for (const name of readdirSync(fsPath(real), { encoding: "latin1" })) {
        const child = `${parent}/${name}`;
        if (options.skip?.(child) !== true) visit(child, child);
      }
    } else if (!stats.isFile()) nodes.set(path, specialNode(real, stats, ownership));
    else if (stats.nlink > 1) hardlinks.add(path, fsPath(real), ownership);
    else addFile(path, real, stats.size, ownership, true);
  };

  const addFile = (path: ByteString, real: ByteString, size: number, ownership: Ownership, movable: boolean): void => {
    const file = (content: Extract<TreeNode, { kind: "file" }>["content"]): void =>
      void nodes.set(path, { kind: "file", ...ownership, content });
    if (size <= INLINE_CONTENT_MAX) return file({ inline: size === 0 ? Buffer.alloc(0) : readFileSync(fsPath(real)) });
    contents.add({ path: fsPath(real), size }, movable, file);
  };

  try {
    visit("/", "");
    for (const { names, size, ownership, complete } of hardlinks.groups()) {
      const [first, ...others] = names.sort(compareBytes) as [ByteString, ...ByteString[]];
      // A name outside the tree (a package cache, say) must keep its file: such a file is copied.
      addFile(first, top + first, size, ownership, complete);
      for (const other of others) nodes.set(other, { kind: "hardlink", target: first });
    }
  } catch (error) {
    await contents.abandoned();
    throw error;
  }
  await contents.done();
  options.report?.detail(`${nodes.size} inodes, ${contents.stored()} files stored`);
  return { mtime: options.mtime, nodes };
}

function specialNode(real: ByteString, stats: Stats, ownership: Ownership): TreeNode {
  if (stats.isSymbolicLink()) return { kind: "symlink", ...ownership, target: readlinkSync(fsPath(real), { encoding: "latin1" }) };
  if (stats.isFIFO()) return { kind: "fifo", ...ownership };
  if (stats.isSocket()) return { kind: "socket", ...ownership };
  return { kind: stats.isBlockDevice() ? "block" : "character", ...ownership, ...deviceNumbers(stats.rdev) };
}

function ownershipOf(real: ByteString, stats: Stats): Ownership {
  const ownership = { mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
  const xattrs = stats.isSymbolicLink() ? undefined : xattrsOf(real);
  return xattrs === undefined ? ownership : { ...ownership, xattrs };
}

function xattrsOf(real: ByteString): Map<ByteString, ByteString> | undefined {
  const kept = listXattrs(real).filter((name) => KEPT_XATTRS.has(name));
  if (kept.length === 0) return undefined;
  return new Map(kept.sort(compareBytes).map((name) => [name, getXattr(real, name) ?? ""]));
}

/** The inverse of makedev(3): 12 + 20 bits of major and 8 + 24 bits of minor, interleaved. */
function deviceNumbers(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}

/** A path for node:fs, which would encode a string as UTF-8; ASCII is the same in both. */
function fsPath(bytes: ByteString): string | Buffer {
  // oxlint-disable-next-line no-control-regex -- ASCII as a whole
  return /^[\0-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, "latin1");
}
