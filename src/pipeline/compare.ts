/** `ashlar diff` and `ashlar dump`: what two images are made of, and in what they differ. */
import { systemDifference } from "#config/difference.ts";
import type { System } from "#config/system.ts";
import { compareBytes, toText } from "#formats/bytes.ts";
import { lockDifference } from "#lock/difference.ts";
import type { Lock } from "#lock/lock.ts";
import { openStore } from "#store/open.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { parseTree } from "#tree/dump.ts";
import type { Tree, TreeNode } from "#tree/tree.ts";
import type { Context } from "./context.ts";
import { findRecord } from "./record.ts";

export interface FileChange {
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** What about it changed: "content", "mode", "owner", "kind", "target", "xattrs". */
  readonly what: readonly string[];
  /** Bytes of content before and after. */
  readonly sizes: readonly [number, number];
}

export interface ImageComparison {
  readonly packages: ReturnType<typeof lockDifference>;
  readonly config: ReturnType<typeof systemDifference>;
  readonly files: readonly FileChange[];
  /** Bytes of all contents, before and after. */
  readonly sizes: readonly [number, number];
}

/** Compares two images that were built here. @throws E_IMAGE_UNKNOWN, E_IMAGE_AMBIGUOUS */
export async function compareImages(options: { readonly from: string; readonly to: string }, context: Context): Promise<ImageComparison> {
  return withStore(context, (store) => {
    const [from, to] = [findRecord(store, options.from), findRecord(store, options.to)];
    const json = (object: ObjectId): unknown => JSON.parse(store.read(object).toString());
    const trees = [treeOf(store, from.dump), treeOf(store, to.dump)] as const;
    return {
      packages: lockDifference(json(from.lock) as Lock, json(to.lock) as Lock),
      config: systemDifference(json(from.system) as System, json(to.system) as System),
      files: compareTrees(...trees),
      sizes: [totalSize(trees[0]), totalSize(trees[1])],
    };
  });
}

/** The composefs dump of an image, as text. @throws E_IMAGE_UNKNOWN, E_IMAGE_AMBIGUOUS */
export async function dumpImage(options: { readonly digest: string }, context: Context): Promise<string> {
  return withStore(context, (store) => store.read(findRecord(store, options.digest).dump).toString("latin1"));
}

/** Every path that differs, in byte order. */
export function compareTrees(from: Tree, to: Tree): FileChange[] {
  const paths = [...new Set([...from.nodes.keys(), ...to.nodes.keys()])].sort(compareBytes);
  return paths.flatMap((path) => {
    const [before, after] = [from.nodes.get(path), to.nodes.get(path)];
    const what = differences(before, after);
    const change = before === undefined ? "added" : after === undefined ? "removed" : "changed";
    return what.length === 0 ? [] : [{ path: toText(path), change, what, sizes: [sizeOf(before), sizeOf(after)] } as const];
  });
}

function differences(before: TreeNode | undefined, after: TreeNode | undefined): string[] {
  if (before === undefined || after === undefined || before.kind !== after.kind) return ["kind"];
  const found: string[] = [];
  if (before.kind === "hardlink" || after.kind === "hardlink") return JSON.stringify(before) === JSON.stringify(after) ? [] : ["target"];
  if (before.mode !== after.mode) found.push("mode");
  if (before.uid !== after.uid || before.gid !== after.gid) found.push("owner");
  if (before.kind === "symlink" && after.kind === "symlink" && before.target !== after.target) found.push("target");
  if (before.kind === "file" && after.kind === "file" && identity(before) !== identity(after)) found.push("content");
  if (JSON.stringify([...(before.xattrs ?? [])]) !== JSON.stringify([...(after.xattrs ?? [])])) found.push("xattrs");
  return found;
}

function identity(file: Extract<TreeNode, { kind: "file" }>): string {
  return "inline" in file.content ? file.content.inline.toString("latin1") : file.content.object;
}

function sizeOf(node: TreeNode | undefined): number {
  if (node?.kind !== "file") return 0;
  return "inline" in node.content ? node.content.inline.length : node.content.size;
}

const totalSize = (tree: Tree): number => [...tree.nodes.values()].reduce((sum, node) => sum + sizeOf(node), 0);

const treeOf = (store: Store, dump: ObjectId): Tree => parseTree(store.read(dump).toString("latin1"));

async function withStore<T>(context: Context, work: (store: Store) => T): Promise<T> {
  const store = await openStore(context.workspace.store);
  try {
    return work(store);
  } finally {
    await store.close();
  }
}
