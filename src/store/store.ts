/**
 * The store: content by digest. Used on the build host and on the machine, with the same layout.
 *
 *   <root>/meta.json             version and feature lists
 *   <root>/objects/ab/cdef…      content, named by its fs-verity digest; 0444, never changed once visible
 *   <root>/images/<digest>       symlink to the object that is a composefs image: only these may be mounted
 *   <root>/refs/<kind>/<name>    JSON, the roots of collection
 *   <root>/lock                  flock: shared by users, exclusive by collection
 *   <root>/tmp/, unsynced/       work in progress (recover.ts)
 *
 * Normative description: docs/formats/store.md.
 */
import type { CheckedObject } from "./check.ts";
import type { ObjectId } from "./object.ts";

export interface StoredFile {
  readonly object: ObjectId;
  /** Bytes. */
  readonly size: number;
}

/** A file that is to become an object. */
export interface FileToStore {
  /** A buffer where the name is not UTF-8. */
  readonly path: string | Buffer;
  /** Bytes. */
  readonly size: number;
}

/** Whether objects get fs-verity: `require` it (on a machine), `try` it (not an error where there is none), or `off`. */
export type VerityMode = "require" | "try" | "off";

export interface Store {
  /** Absolute. */
  readonly root: string;
  readonly verity: VerityMode;
  has(object: ObjectId): boolean;
  /** Absolute path of an object, whether or not it exists. */
  pathOf(object: ObjectId): string;
  /** Stores bytes; returns at once when they are there already. Durable only after {@link flush}. */
  add(content: Buffer): ObjectId;
  /** Stores bytes in place of what has their name, in one step: a reader sees the damaged object or the whole one. */
  replace(content: Buffer): ObjectId;
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
  /** Measures objects again in a worker thread, in the order given; `repair` turns missing verity on. */
  check(objects: readonly ObjectId[], repair: boolean): Promise<readonly CheckedObject[]>;
  /** Runs `work` while no other process (and no other open store) uses this store; E_STORE_BUSY when one does. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
