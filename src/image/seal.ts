/** Sealing: a tree becomes one image whose digest stands for every byte and every attribute of the root file system. */
import { entriesOf } from "#formats/composefs/entries.ts";
import { writeImage } from "#formats/erofs/writer.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Tree } from "#tree/tree.ts";

/**
 * Writes the composefs image of `tree` into the store and marks it as one that may be mounted.
 * The objects of the tree are in the store already; make all durable with `store.flush()`.
 * @returns the fs-verity digest of the image, which is what `composefs=` names
 * @throws E_EROFS_INPUT with the path of a file that no image can hold
 */
export function sealTree(tree: Tree, store: Store): ObjectId {
  const image = store.add(writeImage(entriesOf(tree)));
  store.addImage(image);
  return image;
}
