/** A published folder over HTTP, for trying things out and for tests; in production any web server does. */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { hasErrno } from "#errors";

export interface Served {
  readonly port: number;
  /** Bytes of bodies sent so far. */
  readonly sent: () => number;
  close(): Promise<void>;
}

/** Serves the regular files below `folder` on 127.0.0.1; anything else is 404. */
export function serveFolder(folder: string, port = 0): Promise<Served> {
  let sent = 0;
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    const file = join(folder, path);
    const size = sizeOf(file);
    if ((request.method !== "GET" && request.method !== "HEAD") || size === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-length": size, "content-type": "application/octet-stream" });
    if (request.method === "HEAD") response.end();
    else
      createReadStream(file)
        .on("data", (chunk) => void (sent += chunk.length))
        .pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const close = (): Promise<void> =>
        new Promise((done) => {
          server.closeAllConnections();
          server.close(() => done());
        });
      resolve({ port: (server.address() as AddressInfo).port, sent: () => sent, close });
    });
  });
}

function sizeOf(file: string): number | undefined {
  try {
    const stat = statSync(file);
    return stat.isFile() ? stat.size : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
