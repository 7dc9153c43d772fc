/**
 * Tree: the finished root of a machine as a plain value. Metadata is here, contents are objects in the store.
 *
 * A tree has one modification time for every inode, and no inode numbers, access times or sparse maps: what is not
 * here cannot differ between two builds. Paths are absolute byte strings without a trailing slash; the root is "/".
 */
import type { ByteString } from "#formats/bytes.ts";
import type { ObjectId } from "#store/object.ts";

export interface Ownership {
  /** Permission bits with setuid, setgid, sticky: 0–0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Full names (`security.capability`) to raw values. */
  readonly xattrs?: ReadonlyMap<ByteString, ByteString>;
}

/** Content of up to 64 bytes lies in the image itself; anything larger is an object. */
export type FileContent = { readonly inline: Buffer } | { readonly object: ObjectId; readonly size: number };

export type TreeNode =
  | (Ownership & { readonly kind: "directory" })
  | (Ownership & { readonly kind: "file"; readonly content: FileContent })
  | (Ownership & { readonly kind: "symlink"; readonly target: ByteString })
  | (Ownership & { readonly kind: "character" | "block"; readonly major: number; readonly minor: number })
  | (Ownership & { readonly kind: "fifo" | "socket" })
  /** Another name of the file at `target`, which is always the smallest name of that file. */
  | { readonly kind: "hardlink"; readonly target: ByteString };

export interface Tree {
  /** Seconds since 1970 of every inode. */
  readonly mtime: number;
  /** Every path of the root file system, "/" among them, to its node; insertion order has no meaning. */
  readonly nodes: ReadonlyMap<ByteString, TreeNode>;
}

/** Changing this changes the digest of every image (boot.md §1.7; mkcomposefs uses the same). */
export const INLINE_CONTENT_MAX = 64;
