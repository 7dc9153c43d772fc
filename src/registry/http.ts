/**
 * Static files over HTTP: a read that breaks off goes on from the byte where it stopped (Range,
 * https://www.rfc-editor.org/rfc/rfc9110#section-14), a busy server is asked again later, a silent one is given up.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError, messageOf } from "#errors";
import type { RegistryErrorCode } from "./errors.ts";
import { limited } from "./stream.ts";
import type { ByteRange, ReleaseSource } from "./stream.ts";

export interface HttpOptions {
  /** Repetitions of a request that brought nothing; 4 when absent. */
  readonly retries?: number;
  /** Milliseconds before the first repetition, doubled each time; 500 when absent. */
  readonly pause?: number;
  /** Milliseconds of silence after which a request has failed; 30,000 when absent. */
  readonly stall?: number;
}

interface Request extends Required<HttpOptions> {
  readonly url: string;
  readonly signal: AbortSignal | undefined;
  /** Of the file; the whole of it when absent. */
  readonly range?: ByteRange;
}

const RETRY_AFTER_MAX_MS = 60_000;
const ABSENT = new Set([404, 410]);
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);

/** @param address URL of the folder that holds `ashlar.json` */
export function httpSource(address: string, options: HttpOptions = {}): ReleaseSource {
  const base = address.replace(/\/+$/, "");
  const settings = { retries: options.retries ?? 4, pause: options.pause ?? 500, stall: options.stall ?? 30_000 };
  return {
    address: base,
    open: async (path, limit, signal, range) => {
      const request = { url: `${base}/${path}`, signal, ...settings, ...(range === undefined ? {} : { range }) };
      const first = await ask(request, 0);
      return first === undefined ? undefined : limited(resuming(request, first), limit, request.url);
    },
  };
}

/** Yields the whole file, or the range, from as many answers as it takes. */
async function* resuming(request: Request, first: Answer): AsyncGenerator<Uint8Array> {
  let received = 0;
  let failures = 0;
  let answer: Answer | undefined = first;
  while (answer !== undefined) {
    try {
      for await (const chunk of unstalled(answer, request)) {
        received += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (cause) {
      if (request.signal?.aborted === true || failures++ >= request.retries)
        throw unreachable(request, `it broke off after ${received} bytes`, cause);
    } finally {
      answer.connection.abort();
    }
    await pause(request, failures);
    answer = await ask(request, received);
  }
  throw unreachable(request, "it vanished while it was read");
}

interface Answer {
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes that are wanted after those. */
  readonly count: number;
  /** Bytes at the start that are known already, because the server does not do ranges. */
  readonly skip: number;
  readonly connection: AbortController;
}

/** Asks until there is an answer; undefined when the server says that there is no such file. */
async function ask(request: Request, from: number): Promise<Answer | undefined> {
  for (let attempt = 1; ; attempt++) {
    const connection = new AbortController();
    const timer = setTimeout(() => connection.abort(new Error(`no answer within ${request.stall} ms`)), request.stall);
    let why: string;
    let cause: unknown;
    let later = 0;
    try {
      const signal = request.signal === undefined ? connection.signal : AbortSignal.any([connection.signal, request.signal]);
      const start = (request.range?.from ?? 0) + from;
      const end = request.range === undefined ? "" : String(request.range.to - 1);
      const headers = { "accept-encoding": "identity", ...(start === 0 && end === "" ? {} : { range: `bytes=${start}-${end}` }) };
      const response = await fetch(request.url, { headers, signal });
      if (response.ok && response.body !== null) {
        const skip = response.status === 206 ? 0 : start;
        const count = request.range === undefined ? lengthOf(response) - skip : request.range.to - start;
        return { body: response.body, count, skip, connection };
      }
      connection.abort();
      if (ABSENT.has(response.status)) return undefined;
      why = `the server answered ${response.status} ${response.statusText}`.trim();
      if (!BUSY.has(response.status)) throw unreachable(request, why);
      later = Math.min(Number(response.headers.get("retry-after") ?? 0) * 1000 || 0, RETRY_AFTER_MAX_MS);
    } catch (error) {
      if (error instanceof AshlarError || request.signal?.aborted === true) throw error;
      cause = error;
      // fetch says only "fetch failed"; its cause says why.
      why = messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
    } finally {
      clearTimeout(timer);
    }
    if (attempt > request.retries) throw unreachable(request, why, cause);
    await pause(request, attempt, later);
  }
}

/** Bytes that an answer says it has. What is there is then known to be all of it, without waiting for the end. */
function lengthOf({ headers }: Response): number {
  // Of what is encoded, fetch gives other bytes than it says.
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  return length === null ? Infinity : Number(length);
}

/** Only waiting counts: a reader may take its time with what it has, which on a slow machine is longer than any patience. */
async function* unstalled(answer: Answer, { stall }: Request): AsyncGenerator<Uint8Array> {
  let { skip, count } = answer;
  if (count === 0) return;
  const chunks = answer.body[Symbol.asyncIterator]();
  for (;;) {
    const timer = setTimeout(() => answer.connection.abort(new Error(`nothing came for ${stall} ms`)), stall);
    const { value: chunk, done } = await chunks.next().finally(() => clearTimeout(timer));
    if (done === true) return;
    const fresh = chunk.subarray(Math.min(skip, chunk.length)).subarray(0, count);
    skip -= Math.min(skip, chunk.length);
    count -= fresh.length;
    if (fresh.length > 0) yield fresh;
    if (count === 0) return;
  }
}

async function pause(request: Request, attempt: number, atLeast = 0): Promise<void> {
  const wait = Math.max(atLeast, request.pause * 2 ** (attempt - 1));
  await sleep(wait, undefined, request.signal === undefined ? {} : { signal: request.signal });
}

function unreachable(request: Request, why: string, cause?: unknown): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_SOURCE_UNREACHABLE", `${request.url} cannot be read: ${why}`, {
    cause,
    hint: "check the address and the network, then run the command again; what has arrived is kept, nothing else was changed",
    details: { url: request.url },
  });
}
