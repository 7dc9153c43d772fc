/**
 * Staging: everything that can fail happens here, while the old generation runs and stays the next to start.
 *
 *   space on both file systems → objects → durable → every object of the image is there → record → kernel and initrd → entry
 *
 * The entry is the last thing written. Ended at any point before, the machine starts as if nothing had happened, and the
 * next attempt goes on with what is there.
 */
import { AshlarError, hasErrno } from "#errors";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import type { Image } from "#image/image.ts";
import type { Fetched } from "#registry/fetch-objects.ts";
import type { ReleaseObject } from "#registry/release.ts";
import type { Reporter, Step } from "#report/reporter.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Deployment } from "./deployment.ts";
import type { DeploymentErrorCode } from "./errors.ts";
import { generationsOf, trialOfImage } from "./generations.ts";
import { sameLayers } from "./layers.ts";
import type { Entries, KernelFiles, Loader } from "./loader.ts";
import type { Machine } from "./machine.ts";
import { floorsOf, readAllRecords, writeRecord } from "./records.ts";
import { holdSpace } from "./space.ts";
import type { StagingSpace } from "./space.ts";
import { isStartable, transition } from "./trial.ts";
import { efiObstacle } from "#formats/pe.ts";

export interface StageRequest {
  readonly image: Image;
  /** All objects of the release, with sizes. */
  readonly objects: readonly ReleaseObject[];
  readonly origin: string;
  readonly sequence?: number;
  readonly unsigned?: true;
  readonly composedFrom?: Deployment["composedFrom"];
  readonly layers?: Deployment["layers"];
  /** Brings the missing ones of these objects into the store, and says as progress how many of their bytes are there. */
  readonly bring: (objects: readonly ReleaseObject[], step: Step) => Promise<Fetched>;
  /** Called once it is sure that something will be staged: removes what is too old, so that its space can be used. */
  readonly makeRoom?: () => Promise<void>;
  /** Seconds since 1970. */
  readonly now: number;
  /** Stage an image that failed its trial before. */
  readonly retry?: boolean;
}

export interface StageContext {
  readonly machine: Machine;
  readonly loader: Loader;
  readonly store: Store;
  readonly report: Reporter;
}

export type StageResult =
  | { readonly outcome: "staged"; readonly generation: number; readonly fetched: Fetched }
  /** The machine has this image; it was made the next to start. */
  | { readonly outcome: "activated"; readonly generation: number }
  /** It is the next to start already. */
  | { readonly outcome: "current"; readonly generation: number }
  /** This image failed its trial as that generation; nothing was done. */
  | { readonly outcome: "refused"; readonly generation: number };

/**
 * Makes an image the next generation to start. Hold the machine's lock.
 * @throws E_STAGE_SPACE, E_STAGE_INODES, E_ESP_FULL before anything is fetched; E_STAGE_INCOMPLETE, E_STAGE_KERNEL, what `bring` throws
 */
export async function stage(request: StageRequest, context: StageContext): Promise<StageResult> {
  const { machine, loader, store, report } = context;
  const known = withoutStaging(request, machine, loader);
  if (known !== undefined) return known;
  await request.makeRoom?.();
  using space = holdSpace(request, { machine, loader, store });
  const fetched = await report.step("fetch what is missing", async (step) => {
    const brought = await fillsUp(machine.store, () => request.bring(request.objects, givingBack(space, step)));
    step.detail(`${brought.objects} of ${request.objects.length} objects`);
    return brought;
  });
  space.arrived(1);
  const entries = loader.entries();
  const deployment = recordFor(request, machine, entries);
  await report.step(`install generation ${deployment.number}`, () =>
    fillsUp(machine.sysroot, async () => {
      const kernelFiles = complete(request.image, store);
      writeRecord(machine.deployments, deployment);
      space.installing();
      loader.install(request.image, { generation: deployment.number, activation: entries.activation + 1, kernelFiles });
    }),
  );
  return { outcome: "staged", generation: deployment.number, fetched };
}

/** What is done without staging: nothing, or one changed number. */
function withoutStaging(request: StageRequest, machine: Machine, loader: Loader): StageResult | undefined {
  const records = readAllRecords(machine.deployments);
  const entries = loader.entries();
  const { state, generation } = trialOfImage(machine, records, entries, request.image.digest);
  const { refused, effects } = transition(state, request.retry === true ? "retry" : "stage", request.image.boot.tries);
  if (generation === undefined || effects.includes("install")) return undefined;
  if (refused === true) return { outcome: "refused", generation };
  wantLayers(generation, request, machine);
  // What runs on its last try is here already; whether it starts again is what its probes are about to say.
  if (entries.next === generation || !isStartable(state)) return { outcome: "current", generation };
  loader.activate(generation, entries.activation + 1);
  return { outcome: "activated", generation };
}

/**
 * The same image can be wanted for other reasons: a package that was a layer is part of the base now, say, or somebody vouches
 * for what was taken unsigned before.
 */
function wantLayers(number: number, { layers, unsigned }: StageRequest, machine: Machine): void {
  const deployment = readAllRecords(machine.deployments).deployments.find((each) => each.number === number);
  if (deployment === undefined) return;
  const vouched = deployment.unsigned === true && unsigned !== true;
  if (sameLayers(deployment.layers, layers) && !vouched) return;
  const { layers: _before, unsigned: was, ...rest } = deployment;
  writeRecord(machine.deployments, {
    ...rest,
    ...(was === undefined || vouched ? {} : { unsigned: was }),
    ...(layers === undefined ? {} : { layers }),
  });
}

/** The record of an interrupted staging of the same image, or a new one. */
function recordFor(request: StageRequest, machine: Machine, entries: Entries): Deployment {
  const records = readAllRecords(machine.deployments);
  const interrupted = generationsOf(machine, records, entries).find(
    ({ deployment, entry }) => entry === undefined && deployment.image.digest === request.image.digest,
  );
  return (
    (sameLayers(interrupted?.deployment.layers, request.layers) ? interrupted?.deployment : undefined) ?? {
      version: 1,
      number: Math.max(floorsOf(records).number, ...entries.all.map(({ generation }) => generation + 1)),
      image: request.image,
      origin: request.origin,
      ...(request.sequence === undefined ? {} : { sequence: request.sequence }),
      ...(request.unsigned === undefined ? {} : { unsigned: request.unsigned }),
      ...(request.composedFrom === undefined ? {} : { composedFrom: request.composedFrom }),
      ...(request.layers === undefined ? {} : { layers: request.layers }),
      pinned: false,
      created: request.now,
    }
  );
}

/** Makes everything durable and looks for each object that the image names: the image knows better than a list beside it. */
function complete(image: Image, store: Store): KernelFiles {
  store.addImage(image.digest);
  store.flush();
  const needed = objectsOfImage(store.read(image.digest)).map(({ object }) => parseObjectId(object));
  const missing = needed.filter((object): object is ObjectId => object !== undefined && !store.has(object));
  const { kernel } = image;
  if (missing.length > 0 || kernel === undefined)
    throw new AshlarError<DeploymentErrorCode>(
      "E_STAGE_INCOMPLETE",
      kernel === undefined
        ? `image ${image.digest} has no kernel to start`
        : `image ${image.digest} needs object ${missing[0]}, which its release does not list (${missing.length} are missing)`,
      { hint: "publish the image again; the machine runs on unchanged", details: { image: image.digest, missing } },
    );
  const linux = store.read(kernel.linux);
  // Some firmware hangs instead of coming back to the boot menu, which then cannot start the generation before.
  const obstacle = efiObstacle(linux, process.arch);
  if (obstacle !== undefined)
    throw new AshlarError<DeploymentErrorCode>("E_STAGE_KERNEL", `kernel ${kernel.version} cannot be loaded: ${obstacle}`, {
      hint: "publish an image with a kernel for this machine; it runs on unchanged",
      details: { image: image.digest, kernel: kernel.linux },
    });
  return { linux, initrd: store.read(kernel.initrd) };
}

/** What has arrived needs no held space any more: progress in bytes says how much that is. */
function givingBack(space: StagingSpace, step: Step): Step {
  return {
    ...step,
    progress: (done, total, unit) => {
      if (unit === "bytes" && total !== undefined && total > 0) space.arrived(done / total);
      step.progress(done, total, unit);
    },
  };
}

async function fillsUp<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!hasErrno(cause, "ENOSPC")) throw cause;
    throw new AshlarError<DeploymentErrorCode>("E_STAGE_SPACE", `the file system of ${path} filled up while staging`, {
      cause,
      hint: "`ashlar collect` frees what no generation needs; the machine starts as before",
      details: { path },
    });
  }
}
