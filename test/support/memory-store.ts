/** A store in memory with real digests, for tests of pure tree changes. */
import { verityDigest } from "../../src/formats/fsverity.ts";
import { parseObjectId } from "../../src/store/object.ts";
import type { ObjectId } from "../../src/store/object.ts";
import type { Store } from "../../src/store/store.ts";

export function memoryStore(): Store {
  const objects = new Map<ObjectId, Buffer>();
  const images = new Set<ObjectId>();
  const read = (object: ObjectId): Buffer => {
    const content = objects.get(object);
    if (content === undefined) throw new Error(`no object ${object}`);
    return content;
  };
  return {
    root: "/nonexistent",
    verity: "off",
    has: (object) => objects.has(object),
    pathOf: (object) => `/nonexistent/objects/${object.slice(0, 2)}/${object.slice(2)}`,
    add: (content) => {
      const object = parseObjectId(verityDigest(content));
      if (object === undefined) throw new Error("verityDigest gave no object id");
      objects.set(object, Buffer.from(content));
      return object;
    },
    replace: (content) => {
      const object = verityDigest(content) as ObjectId;
      objects.set(object, Buffer.from(content));
      return object;
    },
    addFiles: () => Promise.reject(new Error("a memory store takes no files")),
    read,
    flush: () => {},
    check: () => Promise.reject(new Error("a memory store is not checked")),
    exclusively: (work) => work(),
    addImage: (image) => void images.add(image),
    close: () => Promise.resolve(),
  };
}
