/** What a source of releases can do, and bounded reading from it. */
import { AshlarError } from "#errors";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { RegistryErrorCode } from "./errors.ts";
import type { ReleaseObject } from "./release.ts";

export interface ReleaseSource {
  /** A folder's absolute path, or a URL without a slash at its end. */
  readonly address: string;
  /**
   * The bytes of a file, as they come; undefined when there is no such file.
   * @param limit most bytes that are read; more is E_OBJECT_DIGEST
   * @param range only these; what is beyond the end of the file does not come
   */
  open(path: string, limit: number, signal?: AbortSignal, range?: ByteRange): Promise<AsyncIterable<Buffer> | undefined>;
  /** The release that the address itself names, where it names one: a registry's tag. */
  names?(): Promise<number>;
  /**
   * Brings objects in a better way than one by one, where the source has one of its own: from layers.
   * Each is verified before the store has its name. Returns those that have to be fetched one by one.
   */
  bring?(objects: readonly ReleaseObject[], options: BringOptions): Promise<readonly ReleaseObject[]>;
}

/** Bytes of a file from `from` up to, but not with, `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** An image that the machine has, with the words for it: "generation 4". */
export interface BaseImage {
  readonly image: ObjectId;
  readonly name: string;
}

/** What is about to travel. */
export interface TransferPlan {
  readonly objects: number;
  /** Bytes on the wire. */
  readonly bytes: number;
  /** What it is a difference from; absent for packs. */
  readonly from?: string;
}

export interface BringOptions {
  readonly store: Store;
  /** All objects of the release, as its manifest lists them. */
  readonly release: readonly ReleaseObject[];
  /** The release's image; without it, differences are not looked for. */
  readonly image?: ObjectId;
  /** What a difference may be from, the best first. */
  readonly bases?: readonly BaseImage[];
  readonly signal?: AbortSignal;
  /** Called with the bytes of each object that has arrived. */
  readonly onBytes: (bytes: number) => void;
  /** Called with the bytes that came over the wire. */
  readonly onWire?: (bytes: number) => void;
  readonly onPlan?: (plan: TransferPlan) => void;
  /** Called with what went otherwise than it should, but is made up for. */
  readonly onNote?: (text: string) => void;
}

/** The same source, whose files are opened in another way. */
export function withOpen(source: ReleaseSource, open: ReleaseSource["open"]): ReleaseSource {
  return {
    // A registry knows the digest behind a tag only after it was asked.
    get address() {
      return source.address;
    },
    ...(source.bring === undefined ? {} : { bring: source.bring.bind(source) }),
    ...(source.names === undefined ? {} : { names: source.names.bind(source) }),
    open,
  };
}

/** What is in memory already, as a source gives it. */
export async function* streamOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
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

/** Of a stream that begins at byte `start` of a file, what lies in `range`. */
export async function* within(stream: AsyncIterable<Uint8Array>, start: number, range: ByteRange): AsyncGenerator<Buffer> {
  let at = start;
  for await (const chunk of stream) {
    const part = chunk.subarray(Math.max(0, range.from - at), Math.max(0, range.to - at));
    at += chunk.length;
    if (part.length > 0) yield Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    if (at >= range.to) return;
  }
}
