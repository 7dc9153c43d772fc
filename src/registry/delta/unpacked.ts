/** What is packed in old objects, as files that patches can read; each is unpacked once. */
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { insideOf } from "./inside.ts";

export interface Unpacked {
  /** @throws DeltaError for an object that is not packed so */
  pathOf(object: ObjectId, how: string): string;
  [Symbol.dispose](): void;
}

export function openUnpacked(store: Store): Unpacked {
  const paths = new Map<ObjectId, string>();
  return {
    pathOf: (object, how) => {
      const known = paths.get(object);
      if (known !== undefined) return known;
      const content = insideOf(how, store.read(object));
      const path = join(store.root, "tmp", `delta-${randomBytes(8).toString("hex")}`);
      writeFileSync(path, content, { flag: "wx" });
      paths.set(object, path);
      return path;
    },
    [Symbol.dispose]: () => {
      for (const path of paths.values()) rmSync(path, { force: true });
    },
  };
}
