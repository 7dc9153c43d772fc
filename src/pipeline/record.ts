/** What the build host remembers of an image: everything that `diff`, `dump`, `disk` and `publish` need, by digest. */
import { AshlarError } from "#errors";
import type { Image } from "#image/image.ts";
import type { ObjectId } from "#store/object.ts";
import { getRef, listRefs } from "#store/refs.ts";
import type { Store } from "#store/store.ts";

export interface BuildRecord {
  readonly image: Image;
  /** The composefs dump of the tree. */
  readonly dump: ObjectId;
  /** Canonical JSON of the System and of the Lock. */
  readonly system: ObjectId;
  readonly lock: ObjectId;
}

export type RecordErrorCode = "E_IMAGE_UNKNOWN" | "E_IMAGE_AMBIGUOUS" | "E_IMAGE_NO_KERNEL";

/** The record behind a "builds" reference, when it and its image are still there. */
export function recordOf(store: Store, reference: unknown): BuildRecord | undefined {
  const digest = (reference as { digest?: string } | undefined)?.digest;
  const record = digest === undefined ? undefined : (getRef(store, "images", digest) as BuildRecord | undefined);
  return record !== undefined && store.has(record.image.digest) && store.has(record.dump) ? record : undefined;
}

/**
 * Finds an image by its digest or the beginning of it (at least four digits).
 * @throws E_IMAGE_UNKNOWN, E_IMAGE_AMBIGUOUS
 */
export function findRecord(store: Store, digest: string): BuildRecord {
  const found = listRefs(store, "images").filter(({ name }) => digest.length >= 4 && name.startsWith(digest.toLowerCase()));
  const [only, ...others] = found;
  if (only === undefined)
    throw new AshlarError<RecordErrorCode>("E_IMAGE_UNKNOWN", `no image ${digest} has been built here`, {
      hint: "ashlar images lists them; ashlar build makes one",
    });
  if (others.length > 0)
    throw new AshlarError<RecordErrorCode>(
      "E_IMAGE_AMBIGUOUS",
      `${digest} is the beginning of ${found.length} images: ${found.map(({ name }) => name.slice(0, 16)).join(", ")}`,
      { hint: "give more digits" },
    );
  return only.value as BuildRecord;
}

/** The kernel of an image that has to boot. @throws E_IMAGE_NO_KERNEL */
export function kernelOf(image: Image): NonNullable<Image["kernel"]> {
  if (image.kernel !== undefined) return image.kernel;
  throw new AshlarError<RecordErrorCode>("E_IMAGE_NO_KERNEL", `${image.name} has no kernel, so it cannot boot`, {
    hint: "set kernel.package in the config",
  });
}
