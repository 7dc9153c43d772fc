/**
 * base + layers → tree. One function for the build host and the machine, so that both make the same image of the same set:
 * nothing but the base image, the packages and the folders decides the result, and deriving with nothing is the base.
 */
import { AshlarError } from "#errors";
import { toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { LockedPackage } from "#lock/lock.ts";
import type { Step } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { draftOf, finish } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { MUTABLE } from "../normalise/mutable.ts";
import type { VarClass } from "../normalise/mutable.ts";
import { isResidue } from "../normalise/residue.ts";
import { scanTree } from "../scan.ts";
import type { Tree, TreeNode } from "../tree.ts";
import { changesOf } from "./changes.ts";
import { applyFolders } from "./folder.ts";
import type { LayerErrorCode } from "./folder.ts";
import { installOnBase } from "./install.ts";
import { mergeDifference } from "./merge.ts";
import type { Difference } from "./merge.ts";
import { makeMutable } from "./mutable.ts";
import { openLayerRoot } from "./root.ts";

export interface DeriveRequest {
  /** The base image; it and all its objects are in the store. */
  readonly image: ObjectId;
  /** What it was written from. */
  readonly base: Tree;
  /** What comes on top of the base's packages, in any order. */
  readonly packages: readonly LockedPackage[];
  /** sha256 to the verified archive. */
  readonly archives: ReadonlyMap<string, string>;
  readonly folders: readonly Tree[];
  readonly toolchain: Toolchain;
  /** SOURCE_DATE_EPOCH of the base, seconds. */
  readonly epoch: number;
  /** The config's `state.var`. */
  readonly classes: Readonly<Record<string, VarClass>>;
  /** A folder for this call alone, on a file system that can be the upper side of an overlay. */
  readonly work: string;
}

/**
 * The tree of the base with the layers on top. Its contents are in the store afterwards.
 * @throws E_TREE_SCRIPT_FAILED, E_TREE_SENSITIVE, E_LAYER_KERNEL, E_LAYER_CONFLICT, E_LAYER_FOLDER
 */
export async function deriveTree(request: DeriveRequest, store: Store, step: Step): Promise<Tree> {
  const { base } = request;
  const draft = draftOf(base, store);
  if (request.packages.length > 0) {
    const difference = await installed(request, store, step);
    mergeDifference(draft, difference, request.classes);
    keepKernel(base, draft);
  }
  applyFolders(draft, request.folders);
  return finish(draft);
}

async function installed(request: DeriveRequest, store: Store, step: Step): Promise<Difference> {
  const { base } = request;
  using root = openLayerRoot(request.image, store, request.work);
  // Files of dpkg's database, and what scripts make without saying how, get the modes that packages expect.
  const umask = process.umask(0o022);
  try {
    makeMutable(root.path, draftOf(base, store));
    const scan = (covers: (path: ByteString) => boolean): Promise<Tree> =>
      scanTree(root.path, store, { mtime: base.mtime, skip: (path) => isResidue(path) || !covers(path) });
    const mutableBefore = await scan((path) => MUTABLE.some((folder) => path === folder || path.startsWith(`${folder}/`)));
    await step.step("install packages on the base", (inner) => installOnBase({ ...request, root: root.path }, inner));
    return await step.step("scan what changed", async (inner) => {
      const changes = changesOf(root, base);
      const { nodes } = await scan((path) => changes.covers(path));
      inner.detail(`${nodes.size} inodes`);
      return { changed: withoutTop(nodes), removed: changes.removed, mutableBefore: withoutTop(mutableBefore.nodes) };
    });
  } finally {
    process.umask(umask);
  }
}

/** The root folder is the base's in any case. */
function withoutTop(nodes: ReadonlyMap<ByteString, TreeNode>): ReadonlyMap<ByteString, TreeNode> {
  return new Map([...nodes].filter(([path]) => path !== "/"));
}

/** The kernel, its modules and the initrd that was made of them are one thing with the base. @throws E_LAYER_KERNEL */
function keepKernel(base: Tree, draft: Draft): void {
  const isKernels = (path: ByteString): boolean => path.startsWith("/usr/lib/modules/") || path.startsWith("/boot/");
  const touched =
    // Nodes that nothing touched are the very same value.
    [...draft.nodes].find(([path, node]) => isKernels(path) && node.kind !== "directory" && node !== base.nodes.get(path))?.[0] ??
    [...base.nodes.keys()].find((path) => isKernels(path) && !draft.nodes.has(path));
  if (touched === undefined) return;
  throw new AshlarError<LayerErrorCode>("E_LAYER_KERNEL", `a layer changes ${toText(touched)}, which belongs to the kernel of the base`, {
    hint: "kernels and modules come with the base: put the package into `packages` of the config",
    details: { path: toText(touched) },
  });
}
