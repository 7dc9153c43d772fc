/**
 * A machine's own objects for its neighbours, over HTTP and only for reading. Paths as in a release folder, so that a neighbour
 * reads them like any other source:
 *
 *   neighbour.json            the images that are here with all their objects
 *   objects/ab/<rest>.zst     an object, compressed while it is sent
 *
 * There is nothing to trust: who fetches an object knows its digest. The kernel verifies what is read here (fs-verity).
 */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, constants as zlib } from "node:zlib";
import { listImages, objectPath } from "#store/layout.ts";
import { parseObjectId } from "#store/object.ts";

export const NEIGHBOUR_FILE = "neighbour.json";
/** Most images of a list. */
export const NEIGHBOUR_IMAGES_MAX = 500;

export interface NeighbourServerOptions {
  /** A store; `objects/` and `images/` of it are enough. */
  readonly store: string;
  /** Called after each answer, whatever it was. */
  readonly onAnswer?: () => void;
}

/** Connections at once; more wait in the kernel's queue or are closed. */
const CONNECTIONS_MAX = 16;
/** Milliseconds: nobody holds a connection without moving anything. */
const IDLE_MAX = 10_000;
const OBJECT = /^\/objects\/([0-9a-f]{2})\/([0-9a-f]{62})\.zst$/;

/** Not listening yet. */
export function neighbourServer(options: NeighbourServerOptions): Server {
  const server = createServer({ maxHeaderSize: 4096, headersTimeout: IDLE_MAX, requestTimeout: IDLE_MAX }, (request, response) => {
    // A neighbour that goes away in the middle is its own affair.
    void answer(request, response, options.store)
      .catch(() => response.destroy())
      .finally(() => options.onAnswer?.());
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(IDLE_MAX, (socket) => socket.destroy());
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, store: string): Promise<void> {
  const refuse = (status: number): void => void response.writeHead(status, { "content-length": 0 }).end();
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(405);
  const { url = "" } = request;
  if (url === `/${NEIGHBOUR_FILE}`) {
    const body = JSON.stringify({ version: 1, images: listImages(store).ids.slice(0, NEIGHBOUR_IMAGES_MAX) });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(request.method === "HEAD" ? undefined : body);
    return;
  }
  const [, folder = "", rest = ""] = OBJECT.exec(url) ?? [];
  const object = parseObjectId(`${folder}${rest}`);
  const path = object === undefined ? undefined : objectPath(store, object);
  const size = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false })?.size;
  if (path === undefined || size === undefined) return refuse(404);
  response.writeHead(200, { "content-type": "application/zstd" });
  if (request.method === "HEAD") return void response.end();
  const compressor = createZstdCompress({ pledgedSrcSize: size, params: { [zlib.ZSTD_c_compressionLevel]: 1 } });
  await pipeline(createReadStream(path), compressor, response);
}
