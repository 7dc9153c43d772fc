/** Bringing objects into a store, several at a time; each is kept only under the digest that it really has. */
import { randomBytes } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createZstdDecompress, zstdDecompress } from "node:zlib";
import { AshlarError, hasErrno, messageOf } from "#errors";
import { formatBytes, formatCount } from "#report/format.ts";
import type { Step } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import type { RegistryErrorCode } from "./errors.ts";
import { bringByDelta } from "./delta/bring.ts";
import { encodedMax, objectPath } from "./layout.ts";
import type { ReleaseObject } from "./release.ts";
import { readFrom, withOpen } from "./stream.ts";
import type { BringOptions, ReleaseSource, TransferPlan } from "./stream.ts";

/** Requests at once: hides the latency of small objects, and keeps memory bounded. */
const PARALLEL = 8;
/** Larger objects go through a file instead of memory. */
const IN_MEMORY_MAX = 1024 * 1024;

const decompress = promisify(zstdDecompress);

export interface Fetched {
  readonly objects: number;
  /** Bytes, uncompressed. */
  readonly bytes: number;
  /** Bytes that came over the wire. */
  readonly wire: number;
}

export type FetchOptions = Pick<BringOptions, "image" | "bases">;

/**
 * Fetches the objects that the store lacks. Ends the other transfers when one fails; what arrived stays and is not fetched again.
 * @throws E_OBJECT_MISSING, E_OBJECT_DIGEST, E_SOURCE_UNREACHABLE
 */
export async function fetchObjects(
  given: ReleaseSource,
  objects: readonly ReleaseObject[],
  store: Store,
  step: Step,
  options: FetchOptions = {},
): Promise<Fetched> {
  let wire = 0;
  const onWire = (bytes: number): void => void (wire += bytes);
  const missing = objects.filter(({ object }) => !store.has(object));
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  const stop = new AbortController();
  let done = 0;
  let next = 0;
  const onBytes = (bytes: number): void => step.progress((done += bytes), total, "bytes");
  const bringing = {
    ...options,
    store,
    release: objects,
    onBytes,
    onWire,
    onPlan: (plan: TransferPlan): void => step.note("info", planText(plan)),
    onNote: (text: string): void => step.note("warning", text),
  };
  const rest = await bringByDelta(given, missing, bringing);
  const single = given.bring === undefined ? rest : await given.bring(rest, bringing);
  const source = counted(given, onWire);
  const worker = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const wanted = single[next++];
      if (wanted === undefined) return;
      await fetchObject(source, wanted, store, stop.signal);
      onBytes(wanted.size);
    }
  };
  const workers = Array.from({ length: Math.min(PARALLEL, single.length) }, async () => {
    try {
      await worker();
    } catch (error) {
      // Only the first failure is the reason; the others fail because of this.
      if (!stop.signal.aborted) stop.abort(error);
    }
  });
  await Promise.all(workers);
  stop.signal.throwIfAborted();
  return { objects: missing.length, bytes: total, wire };
}

function planText({ objects, bytes, from }: TransferPlan): string {
  const what = from === undefined ? "in packs" : `as a difference from ${from}`;
  return `downloads ${formatBytes(bytes)} ${what}: ${formatCount(objects, "object")}`;
}

/** The source, with what is read of it counted. */
function counted(source: ReleaseSource, onWire: (bytes: number) => void): ReleaseSource {
  async function* counting(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      onWire(chunk.length);
      yield chunk;
    }
  }
  return withOpen(source, async (...request) => {
    const stream = await source.open(...request);
    return stream === undefined ? undefined : counting(stream);
  });
}

async function fetchObject(source: ReleaseSource, wanted: ReleaseObject, store: Store, signal: AbortSignal): Promise<void> {
  const path = objectPath(wanted.object);
  const where = `${source.address}/${path}`;
  let stored: string;
  try {
    stored =
      wanted.size > IN_MEMORY_MAX ? await throughFile(source, wanted, store, signal) : await throughMemory(source, wanted, store, signal);
  } catch (error) {
    if (isZlibError(error)) throw altered(where, wanted, messageOf(error), error);
    throw error;
  }
  if (stored !== wanted.object) throw altered(where, wanted, `its content has the digest ${stored}`);
}

async function throughMemory(source: ReleaseSource, wanted: ReleaseObject, store: Store, signal: AbortSignal): Promise<string> {
  const path = objectPath(wanted.object);
  const encoded = await readFrom(source, path, encodedMax(wanted.size), signal);
  if (encoded === undefined) throw lacking(source, wanted);
  // One byte more than allowed: enough to notice, never enough to hurt.
  const content = await decompress(encoded, { maxOutputLength: wanted.size + 1 });
  if (content.length !== wanted.size) throw altered(`${source.address}/${path}`, wanted, `it has ${content.length} bytes or more`);
  return store.add(content);
}

async function throughFile(source: ReleaseSource, wanted: ReleaseObject, store: Store, signal: AbortSignal): Promise<string> {
  const path = objectPath(wanted.object);
  const encoded = await source.open(path, encodedMax(wanted.size), signal);
  if (encoded === undefined) throw lacking(source, wanted);
  const aside = join(store.root, "tmp", `fetch-${randomBytes(8).toString("hex")}`);
  let size = 0;
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, pass) => {
      size += chunk.length;
      if (size > wanted.size) pass(altered(`${source.address}/${path}`, wanted, "it has more bytes"));
      else pass(null, chunk);
    },
  });
  try {
    await pipeline(Readable.from(encoded), createZstdDecompress(), count, createWriteStream(aside, { flags: "wx" }), { signal });
    if (size !== wanted.size) throw altered(`${source.address}/${path}`, wanted, `it has ${size} bytes`);
    const [stored] = await store.addFiles([{ path: aside, size }], { move: true });
    return stored?.object ?? "";
  } finally {
    rmSync(aside, { force: true });
  }
}

function isZlibError(error: unknown): boolean {
  if (hasErrno(error, "ERR_BUFFER_TOO_LARGE")) return true;
  return error instanceof Error && "code" in error && typeof error.code === "string" && /^(ZSTD_|Z_)/.test(error.code);
}

function lacking(source: ReleaseSource, wanted: ReleaseObject): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_OBJECT_MISSING", `${source.address}/${objectPath(wanted.object)} is missing, but the release needs it`, {
    hint: "publish the release again: `ashlar publish` adds what is missing; the machine runs on unchanged",
    details: { address: source.address, object: wanted.object },
  });
}

function altered(where: string, wanted: ReleaseObject, why: string, cause?: unknown): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_OBJECT_DIGEST", `${where} is not object ${wanted.object} of ${wanted.size} bytes: ${why}`, {
    cause,
    hint: "remove that file and publish again; behind a captive portal, log in first; the machine runs on unchanged",
    details: { path: where, object: wanted.object, size: wanted.size },
  });
}
