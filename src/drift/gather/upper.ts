/**
 * The upper layer of an overlay: everything that was changed since it was mounted, and nothing else. Its files and
 * folders, and its whiteouts, which stand for what was removed.
 * https://docs.kernel.org/filesystems/overlayfs.html, "whiteouts and opaque directories"
 */
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { hasErrno } from "#errors";
import { fromText, toBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { S_IFCHR, S_IFMT } from "#formats/file-mode.ts";
import { getXattr, listXattrs } from "#sys/xattr.ts";
import { kindOf } from "../image.ts";
import type { NodeKind } from "../image.ts";

export interface UpperNode {
  /** As it is seen in the merged tree: absolute. */
  readonly path: ByteString;
  readonly kind: NodeKind | "whiteout";
  /** `st_mode`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** A folder that hides the image's one as a whole. */
  readonly opaque: boolean;
  /** Target of a symbolic link. */
  readonly target?: ByteString;
  /** Without the overlay's own. */
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
  /** Of a regular file; read when it is asked for. */
  readonly content: () => Buffer;
}

const OVERLAY = "trusted.overlay.";

/**
 * Every node of an upper layer, folders before what is in them, sorted by bytes.
 * @param upper the layer's folder; missing means that nothing changed
 * @param at where the overlay is mounted: "/etc"
 */
export function readUpper(upper: string, at: string): UpperNode[] {
  const found: UpperNode[] = [];
  const base = fromText(upper);
  const visit = (below: ByteString): void => {
    for (const name of namesIn(toBuffer(base + below))) {
      const node = nodeAt(base, `${below}/${name}`, fromText(at));
      found.push(node);
      if (node.kind === "directory") visit(`${below}/${name}`);
    }
  };
  visit("");
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function nodeAt(base: ByteString, below: ByteString, at: ByteString): UpperNode {
  const local = toBuffer(base + below);
  const stat = lstatSync(local);
  const isWhiteout = (stat.mode & S_IFMT) === S_IFCHR && stat.rdev === 0;
  const all = isWhiteout ? [] : listXattrs(base + below);
  const xattrs = new Map<ByteString, ByteString>();
  for (const name of all.sort()) if (!name.startsWith(OVERLAY)) xattrs.set(name, getXattr(base + below, name) ?? "");
  const kind = isWhiteout ? "whiteout" : kindOf(stat.mode);
  return {
    path: at + below,
    kind,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    size: stat.size,
    opaque: all.includes(`${OVERLAY}opaque`) && getXattr(base + below, `${OVERLAY}opaque`) === "y",
    ...(kind === "symlink" ? { target: readlinkSync(local, { encoding: "latin1" }) } : {}),
    xattrs,
    content: () => (kind === "file" ? readFileSync(local) : Buffer.alloc(0)),
  };
}

function namesIn(folder: Buffer): ByteString[] {
  try {
    return readdirSync(folder, { encoding: "latin1" });
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}
