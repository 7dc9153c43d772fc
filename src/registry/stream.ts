/** What a source of releases can do, and bounded reading from it. */
import { AshlarError } from "#errors";
import type { Store } from "#store/store.ts";
import type { RegistryErrorCode } from "./errors.ts";
import type { ReleaseObject } from "./release.ts";

export interface ReleaseSource {
  /** A folder's absolute path, or a URL without a slash at its end. */
  readonly address: string;
  /**
   * The bytes of a file, as they come; undefined when there is no such file.
   * @param limit most bytes that are read; more is E_OBJECT_DIGEST
   */
  open(path: string, limit: number, signal?: AbortSignal): Promise<AsyncIterable<Buffer> | undefined>;
  /**
   * Brings objects in a better way than one by one, where the source has one: from layers, packs, differences.
   * Each is verified before the store has its name. Returns those that have to be fetched one by one.
   */
  bring?(objects: readonly ReleaseObject[], options: BringOptions): Promise<readonly ReleaseObject[]>;
}

export interface BringOptions {
  readonly store: Store;
  /** Called with the bytes of each object that has arrived. */
  readonly onBytes: (bytes: number) => void;
}

/** A whole small file; undefined when there is none. */
export async function readFrom(source: ReleaseSource, path: string, limit: number, signal?: AbortSignal): Promise<Buffer | undefined> {
  const stream = await source.open(path, limit, signal);
  return stream === undefined ? undefined : Buffer.concat(await Array.fromAsync(stream));
}

/** Passes bytes on until there are more than `limit`. @throws E_OBJECT_DIGEST */
export async function* limited(stream: AsyncIterable<Uint8Array>, limit: number, where: string): AsyncGenerator<Buffer> {
  let count = 0;
  for await (const chunk of stream) {
    count += chunk.length;
    if (count > limit)
      throw new AshlarError<RegistryErrorCode>("E_OBJECT_DIGEST", `${where} has more than the ${limit} bytes that it may have`, {
        hint: "publish the release again; nothing on this machine was changed",
        details: { path: where, limit },
      });
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}
