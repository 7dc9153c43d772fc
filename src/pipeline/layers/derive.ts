/** base image + resolved layers → image; the same on the build host and on the machine. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { fetchPackages } from "#archive/download.ts";
import type { Mirror } from "#archive/mirror.ts";
import type { LayerSet } from "#deployment/layers.ts";
import { AshlarError } from "#errors";
import { readDebControl } from "#formats/deb.ts";
import type { Image } from "#image/image.ts";
import { sealTree } from "#image/seal.ts";
import type { LayerLock } from "#lock/layers.ts";
import type { LockedPackage } from "#lock/lock.ts";
import { formatBytes } from "#report/format.ts";
import type { Step } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { parseTree } from "#tree/dump.ts";
import { controlField } from "#tree/install/unpacked.ts";
import { deriveTree } from "#tree/layer/derive.ts";
import type { Tree } from "#tree/tree.ts";
import type { Workspace } from "#workspace";
import type { Context } from "../context.ts";
import type { LayerBase } from "./base.ts";

export type DeriveErrorCode = "E_LAYER_SPACE";

export interface DerivedImage {
  readonly image: Image;
  readonly tree: Tree;
}

export interface DeriveInput {
  readonly base: LayerBase;
  /** What of the set the base can have. */
  readonly applied: LayerSet;
  readonly lock: LayerLock;
}

interface DeriveContext extends Context {
  readonly toolchain: Toolchain;
  readonly mirror?: Mirror;
}

/** Kept free for what scripts make, in bytes. */
const RESERVE = 64 * 1024 * 1024;

/**
 * Derives an image. Deriving with nothing gives the base.
 * @throws E_LAYER_SPACE before anything is unpacked; E_PACKAGE_*; what deriving the tree throws
 */
export async function deriveImage({ base, applied, lock }: DeriveInput, store: Store, context: DeriveContext): Promise<DerivedImage> {
  if (lock.packages.length === 0 && applied.folders.length === 0) return { image: base.image, tree: base.tree };
  const { workspace, report, toolchain } = context;
  placeDebs(applied, store, workspace);
  requireRoom(missingBytes(lock.packages, workspace), workspace, "to download");
  const archives = await fetchPackages(lock.packages, context);
  await requireUnpackRoom(lock.packages, archives, workspace);
  return report.step("derive the image", async (step: Step) => {
    const tree = await deriveTree(
      {
        image: base.image.digest,
        base: base.tree,
        packages: lock.packages,
        archives,
        folders: applied.folders.map((folder) => parseTree(store.read(folder.tree).toString("latin1"))),
        toolchain,
        epoch: base.image.epoch,
        classes: base.system.state.var,
        work: join(workspace.work, "layers"),
      },
      store,
      step,
    );
    return { image: { ...base.image, digest: sealTree(tree, store) }, tree };
  });
}

/** Package files of the set lie where those of the archive lie, by their hash. */
function placeDebs({ debs }: LayerSet, store: Store, { packages }: Workspace): void {
  mkdirSync(packages, { recursive: true });
  for (const { sha256, object } of debs) {
    const path = join(packages, `${sha256}.deb`);
    if (existsSync(path)) continue;
    copyFileSync(store.pathOf(object), `${path}.tmp`);
    renameSync(`${path}.tmp`, path);
  }
}

function missingBytes(packages: readonly LockedPackage[], workspace: Workspace): number {
  return packages.reduce((sum, { sha256, size }) => sum + (existsSync(join(workspace.packages, `${sha256}.deb`)) ? 0 : size), 0);
}

/** What packages say of themselves (deb-control(5), Installed-Size in KiB), twice: unpacked, and as objects. */
async function requireUnpackRoom(
  packages: readonly LockedPackage[],
  archives: ReadonlyMap<string, string>,
  workspace: Workspace,
): Promise<void> {
  let kibibytes = 0;
  for (const { sha256 } of packages) {
    const { controlText } = await readDebControl(readFileSync(archives.get(sha256) ?? ""));
    kibibytes += Number(controlField(controlText, "Installed-Size") ?? 0);
  }
  requireRoom(2 * 1024 * kibibytes + RESERVE, workspace, "to unpack");
}

function requireRoom(bytes: number, { root }: Workspace, what: string): void {
  mkdirSync(root, { recursive: true });
  const { bavail, bsize } = statfsSync(root);
  if (bytes <= bavail * bsize) return;
  throw new AshlarError<DeriveErrorCode>(
    "E_LAYER_SPACE",
    `${root}: the packages of the layers need ${formatBytes(bytes)} ${what}, ${formatBytes(bavail * bsize)} are free`,
    {
      hint: "`ashlar collect` frees what no generation needs; nothing was changed",
      details: { path: root, needed: bytes, free: bavail * bsize },
    },
  );
}
