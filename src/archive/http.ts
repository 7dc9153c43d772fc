/** GET over HTTP with limits, retries and errors that say what was asked for. What arrives is not trusted here. */
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError, messageOf } from "#errors";
import { archiveError } from "./errors.ts";

export interface GetOptions {
  /** Bytes; a longer answer is refused. */
  readonly limit: number;
  /** The path below the archive's root, for messages. */
  readonly path: string;
  /** Called with the number of bytes of each piece. */
  readonly onBytes?: (bytes: number) => void;
  /** Called when an attempt failed and all of it starts again. */
  readonly onRetry?: () => void;
  readonly signal?: AbortSignal;
}

/** Milliseconds without a byte after which an attempt is given up. */
const IDLE_TIMEOUT = 30_000;
const ATTEMPTS = 3;

/**
 * Gets a whole resource, piece by piece into `sink`. Returns false when the server does not have it (404, 410).
 * @throws E_ARCHIVE_UNREACHABLE, E_ARCHIVE_TRUNCATED (more bytes than the limit, or fewer than announced)
 */
export async function get(url: string, start: () => (piece: Buffer) => void, options: GetOptions): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await getOnce(url, start(), options);
    } catch (error) {
      if (error instanceof AshlarError || options.signal?.aborted === true || attempt === ATTEMPTS)
        throw error instanceof AshlarError ? error : unreachable(url, options.path, error);
      options.onRetry?.();
      await sleep(attempt * 500);
    }
  }
}

/** Gets a small resource into memory; undefined when the server does not have it. */
export async function getBytes(url: string, options: GetOptions): Promise<Buffer | undefined> {
  let pieces: Buffer[] = [];
  const found = await get(
    url,
    () => {
      pieces = [];
      return (piece) => void pieces.push(piece);
    },
    options,
  );
  return found ? Buffer.concat(pieces) : undefined;
}

async function getOnce(url: string, sink: (piece: Buffer) => void, options: GetOptions): Promise<boolean> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error(`nothing arrived for ${IDLE_TIMEOUT / 1000} s`)), IDLE_TIMEOUT);
  try {
    const signals = options.signal === undefined ? [idle.signal] : [idle.signal, options.signal];
    const answer = await fetch(url, { signal: AbortSignal.any(signals), headers: { "accept-encoding": "identity" } });
    if (answer.status === 404 || answer.status === 410) {
      await answer.body?.cancel();
      return false;
    }
    if (!answer.ok || answer.body === null) throw new Error(`the server answers ${answer.status} ${answer.statusText}`);
    let received = 0;
    for await (const piece of answer.body) {
      timer.refresh();
      received += piece.length;
      if (received > options.limit)
        throw archiveError("E_ARCHIVE_TRUNCATED", `${options.path} is longer than the ${options.limit} bytes it may have`, {
          hint: "try again; if it stays so, set ASHLAR_MIRROR to another mirror",
          details: { url, limit: options.limit },
        });
      sink(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
      options.onBytes?.(piece.length);
    }
    return true;
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(url: string, path: string, cause: unknown): AshlarError {
  const inner = cause instanceof Error && cause.cause !== undefined ? `${cause.message}: ${messageOf(cause.cause)}` : messageOf(cause);
  return archiveError("E_ARCHIVE_UNREACHABLE", `cannot get ${path} from the mirror: ${inner}`, {
    hint: "check the network and ASHLAR_MIRROR (or this machine's apt sources), then run the command again",
    cause,
    details: { url },
  });
}
