/** The root file system of an image, as its own EROFS file tells it. */
import type { System } from "#config/system.ts";
import { fromBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { readImage } from "#formats/erofs/reader.ts";
import type { Image } from "#image/image.ts";
import { parseObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { readDatabase } from "./database.ts";
import type { Database } from "./database.ts";

export interface Root {
  readonly image: Image;
  readonly nodes: ReadonlyMap<ByteString, DumpEntry>;
  readonly database: Database;
  /** What the image says of itself; without secrets. */
  readonly system: System;
  /** The inode at a path, whichever of its names that is. */
  inode(path: ByteString): DumpInode | undefined;
  /** Content of a regular file, one character a byte. */
  text(path: ByteString): ByteString | undefined;
}

export const SYSTEM_FILE = "/usr/lib/ashlar/system.json";

/**
 * Reads an image of the store with everything that composing asks of it.
 * @throws E_STORE_MISSING, E_EROFS_DAMAGED, SyntaxError for an image that Ashlar did not make
 */
export function openRoot(image: Image, store: Pick<Store, "read">): Root {
  const nodes = new Map(readImage(store.read(image.digest)).map((entry) => [entry.path, entry]));
  const inode = (path: ByteString): DumpInode | undefined => {
    const node = nodes.get(path);
    return node?.hardlink === undefined ? node : inode(node.hardlink);
  };
  const text = (path: ByteString): ByteString | undefined => {
    const node = inode(path);
    if (node === undefined || node.mode >>> 12 !== REGULAR) return undefined;
    const object = parseObjectId(node.digest ?? "");
    return object === undefined ? fromBuffer(node.content ?? Buffer.alloc(0)) : fromBuffer(store.read(object));
  };
  const system = JSON.parse(Buffer.from(text(SYSTEM_FILE) ?? "", "latin1").toString()) as System;
  return { image, nodes, database: readDatabase(nodes.keys(), text), system, inode, text };
}

/** S_IFREG, without its zeros. */
const REGULAR = 0o10;
