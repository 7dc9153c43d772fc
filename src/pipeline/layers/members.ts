/** Package files and folders of this computer as members of a set: what is in them lies in the store afterwards. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { sha256Of } from "#archive/snapshot.ts";
import type { LayerDeb, LayerFolder } from "#deployment/layers.ts";
import { readDebControl } from "#formats/deb.ts";
import type { Store } from "#store/store.ts";
import { dumpText } from "#tree/dump.ts";
import { controlField } from "#tree/install/unpacked.ts";
import { readLayerFolder } from "#tree/layer/folder.ts";

/** @throws E_DEB_SYNTAX and others of `readDeb` */
export async function readPackageFile(path: string, store: Store): Promise<LayerDeb> {
  const content = readFileSync(path);
  const { controlText } = await readDebControl(content);
  const field = (name: string): string => controlField(controlText, name) ?? "";
  return {
    name: field("Package"),
    version: field("Version"),
    architecture: field("Architecture"),
    object: store.add(content),
    size: content.length,
    sha256: sha256Of(content),
  };
}

/** @throws E_LAYER_FOLDER */
export async function readFolder(path: string, store: Store): Promise<LayerFolder> {
  const tree = await readLayerFolder(path, store);
  return { name: basename(path), tree: store.add(Buffer.from(dumpText(tree), "latin1")) };
}
