/**
 * The store: content by digest. Used on the build host and on the machine, with the same layout.
 *
 *   <root>/meta.json             version and feature lists
 *   <root>/objects/ab/cdef…      content, named by its fs-verity digest; 0444, never changed once visible
 *   <root>/images/<digest>       symlink to the object that is a composefs image: only these may be mounted
 *   <root>/refs/<kind>/<name>    JSON, the roots of collection
 *   <root>/lock                  flock: shared by users, exclusive by collection
 */
import type { ObjectId } from "./object.ts";

export interface StoredFile {
  readonly object: ObjectId;
  /** Bytes. */
  readonly size: number;
}

/** A file that is to become an object. */
export interface FileToStore {
  readonly path: string;
  readonly size: number;
}

export interface Store {
  readonly root: string;
  has(object: ObjectId): boolean;
  /** Absolute path of an object, whether or not it exists. */
  pathOf(object: ObjectId): string;
  /** Stores bytes; returns at once when they are there already. Durable only after {@link flush}. */
  add(content: Buffer): ObjectId;
  /** Stores many files, hashed by worker threads; the source files are moved into the store (same file system) when `move` is set, else copied. Order of the result = order of the input. */
  addFiles(
    files: readonly FileToStore[],
    options?: { readonly move?: boolean; readonly onProgress?: (filesDone: number) => void },
  ): Promise<StoredFile[]>;
  /** Whole content; E_STORE_MISSING names the object. */
  read(object: ObjectId): Buffer;
  /** Makes everything added so far durable, in one batch (syncfs). */
  flush(): void;
  /** Marks an object as a composefs image. */
  addImage(image: ObjectId): void;
  close(): Promise<void>;
}
