/** A web server of one folder of static files, on the loopback address: for demos, tests and a first look. */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { hasErrno } from "#errors";

export interface FolderServer {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
  /** Bytes of files sent so far. */
  sent(): number;
  close(): Promise<void>;
}

/** In a second, of what is sent with a rate. */
const SLICES = 50;

export interface ServeOptions {
  readonly port?: number;
  /** Bytes a second for each answer, as over a slow line. */
  readonly rate?: number;
}

/** Serves `folder` until {@link FolderServer.close}; GET and HEAD, one range. */
export async function serveFolder(folder: string, { port = 0, rate }: ServeOptions = {}): Promise<FolderServer> {
  const root = resolve(folder);
  let sent = 0;
  const server = createServer((request, response) => {
    // A client that goes away in the middle is its own affair.
    void answer(root, request, response, { rate, count: (bytes) => void (sent += bytes) }).catch(() => response.destroy());
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", listening);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    address: `http://127.0.0.1:${bound}`,
    sent: () => sent,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

interface Sending {
  readonly rate: number | undefined;
  readonly count: (bytes: number) => void;
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse, sending: Sending): Promise<void> {
  const name = new URL(request.url ?? "/", "http://localhost").pathname;
  const path = join(root, name);
  const size = path.startsWith(`${root}/`) ? sizeOf(path) : undefined;
  if (size === undefined || (request.method !== "GET" && request.method !== "HEAD")) {
    response.writeHead(size === undefined ? 404 : 405).end();
    return;
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const from = Number(range?.[1] ?? 0);
  const to = Math.min(size, range?.[2] ? Number(range[2]) + 1 : size);
  if (range !== null && (from >= size || to <= from)) {
    response.writeHead(416, { "content-range": `bytes */${size}` }).end();
    return;
  }
  response.writeHead(range !== null ? 206 : 200, {
    "content-type": "application/octet-stream",
    "accept-ranges": "bytes",
    "content-length": to - from,
    ...(range !== null ? { "content-range": `bytes ${from}-${to - 1}/${size}` } : {}),
  });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const file = createReadStream(path, { ...(size === 0 ? {} : { start: from, end: to - 1 }), ...slices(sending) });
  await pipeline(file, (chunks: AsyncIterable<Buffer>) => counted(chunks, sending), response);
}

/** On a line nothing comes in large pieces, of which a client that ends would lose more than was sent. */
function slices({ rate }: Sending): { readonly highWaterMark?: number } {
  return rate === undefined ? {} : { highWaterMark: Math.max(1024, Math.floor(rate / SLICES)) };
}

async function* counted(chunks: AsyncIterable<Buffer>, { rate, count }: Sending): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
    if (rate !== undefined) await sleep((chunk.length / rate) * 1000);
  }
}

function sizeOf(path: string): number | undefined {
  try {
    const found = statSync(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
