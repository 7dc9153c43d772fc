/** `ashlar export`, `push`, `pull` and `import`: images as container images, in a folder or a registry. */
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { entriesOf } from "#formats/composefs/entries.ts";
import { writeImage } from "#formats/erofs/writer.ts";
import type { Image } from "#image/image.ts";
import { dockerArchive } from "#registry/oci/docker-archive.ts";
import { exportImage } from "#registry/oci/image.ts";
import { findImage, importImage, notTheImage } from "#registry/oci/import.ts";
import { layoutRepository } from "#registry/oci/layout.ts";
import type { Descriptor } from "#registry/oci/manifest.ts";
import { pullImage } from "#registry/oci/pull.ts";
import type { Pulled } from "#registry/oci/pull.ts";
import { nextSequence, pushImage } from "#registry/oci/push.ts";
import type { Pushed } from "#registry/oci/push.ts";
import { isOciAddress, parseReference, releaseTag, renderReference } from "#registry/oci/reference.ts";
import { openSession, registryRepository } from "#registry/oci/registry.ts";
import type { RegistryOptions } from "#registry/oci/registry.ts";
import { exportRelease, releasesUnder } from "#registry/oci/release.ts";
import type { ExportedRelease } from "#registry/oci/release.ts";
import type { OciRepository } from "#registry/oci/repository.ts";
import { sourceOf } from "#registry/oci/source.ts";
import { TRUST_TAG, exportTrust, targetsOfRepository } from "#registry/oci/trust.ts";
import type { Release } from "#registry/release.ts";
import { DEFAULT_CHANNEL } from "#registry/trust/entries.ts";
import { placeFiles } from "#registry/trust/place.ts";
import type { Signing } from "#registry/trust/signatures.ts";
import { openStore } from "#store/open.ts";
import { putRef } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { dumpText, parseTree } from "#tree/dump.ts";
import { buildSystem } from "./build.ts";
import type { BuildOptions } from "./build.ts";
import type { Context } from "./context.ts";
import type { ForeignOptions } from "./foreign.ts";
import type { BuildRecord } from "./record.ts";
import { refuseOtherRoot, signedImages, unsigned } from "./trust.ts";

export interface ExportOptions extends BuildOptions {
  /** The layout's folder; made when missing. */
  readonly folder: string;
  readonly tag: string;
  /** The config's image, where it is there already; else it is built. */
  readonly built?: BuildRecord;
  /** The image becomes a release that machines can upgrade to. */
  readonly release?: SignedRelease;
}

export interface SignedRelease extends ReleaseOptions {
  readonly sequence: number;
  readonly before?: readonly Release[];
  /** What the place it goes to lists already. */
  readonly targets: Buffer | undefined;
}

export interface ReleaseOptions {
  /** Who vouches for it. */
  readonly signing: Signing;
  readonly channel?: string | undefined;
  readonly barrier?: boolean | undefined;
}

export interface ExportedLayout {
  readonly record: BuildRecord;
  readonly image: Descriptor;
  readonly artifacts: readonly { readonly descriptor: Descriptor; readonly tag?: string }[];
  readonly layers: readonly { readonly name: string; readonly digest: string; readonly size: number; readonly unpacked: number }[];
  readonly release?: Release;
}

/** Builds what is missing and writes the image as an OCI layout. */
export async function exportOci(options: ExportOptions, context: Context): Promise<ExportedLayout> {
  const record = options.built ?? (await buildSystem(options, context));
  return withStore(context, (store) =>
    context.report.step("write the layers", async (step) => {
      if (options.release !== undefined) refuseOtherRoot(store, record.system, options.release.signing);
      const tree = parseTree(store.read(record.dump).toString("latin1"));
      const parts = { image: record.image, tree, system: record.system, lock: record.lock, store };
      const exported = await exportImage(options.folder, options.tag, parts, step);
      const { release } = options;
      const signed = release === undefined ? undefined : await exportRelease(options.folder, exported, { ...parts, ...release }, step);
      const trust = signed === undefined || release === undefined ? undefined : vouch(options.folder, release, signed);
      return {
        record,
        image: exported.descriptor,
        artifacts: [
          { descriptor: exported.artifact },
          ...(signed === undefined ? [] : [{ descriptor: signed.artifact, tag: releaseTag(signed.release.sequence) }]),
          ...(trust === undefined ? [] : [{ descriptor: trust, tag: TRUST_TAG }]),
        ],
        layers: exported.layers.map(({ group, descriptor, unpacked }) => ({
          name: group.name,
          digest: descriptor.digest,
          size: descriptor.size,
          unpacked,
        })),
        ...(signed === undefined ? {} : { release: signed.release }),
      };
    }),
  );
}

/** Says in the layout who vouches for a release. */
function vouch(
  folder: string,
  { signing, targets, channel = DEFAULT_CHANNEL, barrier = false }: SignedRelease,
  { release, manifest }: ExportedRelease,
): Descriptor {
  return exportTrust(
    folder,
    placeFiles({ signing, before: targets, where: folder, add: { release, manifest, channel, barrier }, now: Date.now() }),
  );
}

export interface PushOptions extends BuildOptions, RegistryOptions, Pick<ExportOptions, "built"> {
  /** oci://host/name[:tag] */
  readonly address: string;
  /** Without, it is only an image. */
  readonly release?: ReleaseOptions;
  /** Of the release; one more than the repository has had when absent. */
  readonly sequence?: number;
  readonly mountFrom?: string;
}

export interface PushResult extends Pushed {
  /** With the digest of the image. */
  readonly address: string;
  readonly layers: ExportedLayout["layers"];
  readonly digest: string;
  readonly release?: number;
}

/** @throws E_OCI_*, E_KEYS_*, E_PUBLISH_*; the tag moves only when everything is there */
export async function pushOci(options: PushOptions, context: Context): Promise<PushResult> {
  const reference = parseReference(options.address);
  const tag = reference.tag ?? "latest";
  const session = openSession(reference, options);
  // Asked before anything is built: a registry that cannot be reached costs nothing.
  const sequence = options.sequence ?? (await nextSequence(session));
  return inScratch(context, async (folder) => {
    const { release: wanted, ...rest } = options;
    const there = registryRepository(session, reference);
    const release =
      wanted === undefined
        ? {}
        : {
            release: {
              ...wanted,
              sequence,
              before: await releasesUnder(there, tagsBefore(sequence)),
              targets: await targetsOfRepository(there),
            },
          };
    const exported = await exportOci({ ...rest, folder, tag, ...release }, context);
    const pushed = await context.report.step("push", (step) =>
      pushImage(
        session,
        {
          layout: folder,
          image: exported.image,
          artifacts: exported.artifacts,
          tag,
          ...(options.mountFrom === undefined ? {} : { mountFrom: options.mountFrom }),
        },
        step,
      ),
    );
    return {
      ...pushed,
      address: renderReference({ ...reference, tag, digest: exported.image.digest }),
      layers: exported.layers,
      digest: exported.record.image.digest,
      ...(exported.release === undefined ? {} : { release: exported.release.sequence }),
    };
  });
}

/** Of the two releases before: machines that follow have the last one, those that were off for a while the one before. */
function tagsBefore(sequence: number): string[] {
  return [sequence - 1, sequence - 2].filter((number) => number > 0).map(releaseTag);
}

/** Fetches an image with all that hangs on it into a layout folder. */
export async function pullOci(
  options: RegistryOptions & { readonly address: string; readonly folder: string },
  context: Context,
): Promise<Pulled> {
  const reference = parseReference(options.address);
  const repository = registryRepository(openSession(reference, options), reference);
  return context.report.step("pull", (step) => pullImage(repository, options.folder, reference.tag ?? "latest", step));
}

export interface ImportOptions extends RegistryOptions {
  /** oci://…, or an image in a folder or file: `openImage` says which. */
  readonly from: string;
  /** What makes a machine of an image that others made; asked for only then. */
  readonly foreign: () => Promise<ForeignOptions>;
  /** Bytes of a root: the image has to be that of a release which its keys sign. */
  readonly root?: Buffer;
}

export interface ImportResult {
  readonly image: Image;
  /** Bytes of all contents are in the store; this is the number of paths. */
  readonly paths: number;
  /** False for an image that Ashlar made, which has the digest that was built. */
  readonly foreign: boolean;
}

/**
 * Takes an image out of its plain layers into this host's store. Of one that Ashlar made comes the same composefs digest, or an
 * error; one of others is the base for a config.
 * @throws E_OCI_*, E_TAR_*, E_IMPORT_*, E_TRUST_*; the store then has no new image
 */
export async function importOci(options: ImportOptions, context: Context): Promise<ImportResult> {
  const repository = openImage(options);
  const found = await findImage(repository);
  const { root } = options;
  if (root !== undefined && found.artifact === undefined)
    throw unsigned(repository.address, "was not made by Ashlar: no release of it can be signed");
  const signed = root === undefined ? undefined : await signedImages(sourceOf(repository), root);
  return withStore(context, async (store) => {
    if (found.artifact === undefined) {
      const { importForeign } = await import("./foreign.ts");
      const { record, tree } = await importForeign({ repository, found }, await options.foreign(), store, context);
      return { image: record.image, paths: tree.nodes.size, foreign: true };
    }
    return context.report.step("import the layers", async (step) => {
      const { image, tree, system, lock } = await importImage(repository, found, store, step);
      if (signed?.includes(image.digest) === false)
        throw unsigned(repository.address, "is the image of no release that the root's keys sign");
      // Not marked as an image before it is known to be the one.
      const digest = store.add(writeImage(entriesOf(tree)));
      if (digest !== image.digest) throw notTheImage(repository.address, image, digest);
      store.addImage(digest);
      const record: BuildRecord = { image, dump: store.add(Buffer.from(dumpText(tree), "latin1")), system, lock };
      store.flush();
      putRef(store, "images", image.digest, record);
      return { image, paths: tree.nodes.size, foreign: false };
    });
  });
}

/** A registry's image, or one in a folder: `oci:DIR`, `docker-archive:FILE`, or the path alone. */
function openImage({ from, ...options }: Pick<ImportOptions, "from"> & RegistryOptions): OciRepository {
  if (from.startsWith("docker-archive:")) return dockerArchive(from.slice("docker-archive:".length));
  if (!isOciAddress(from))
    return statSync(from, { throwIfNoEntry: false })?.isFile() === true ? dockerArchive(from) : layoutRepository(from);
  const reference = parseReference(from);
  return registryRepository(openSession(reference, options), reference);
}

async function withStore<T>(context: Context, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(context.workspace.store);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function inScratch<T>({ workspace }: Context, work: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(workspace.work, { recursive: true });
  const folder = mkdtempSync(join(workspace.work, "oci-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
