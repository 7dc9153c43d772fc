/** The Debian mirror of this computer on a port of its own, for machines whose only network is this computer. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { findMirror } from "#archive/mirror.ts";

export interface MirrorProxy extends AsyncDisposable {
  readonly port: number;
  /** Paths asked for so far. */
  readonly requests: string[];
}

/** Answers below /debian and /debian-security, on the loopback address. */
export async function openMirrorProxy(): Promise<MirrorProxy> {
  const mirror = findMirror();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    requests.push(path);
    const root = path.startsWith("/debian-security/") ? "debian-security" : "debian";
    forward(`${mirror[root]}${path.slice(root.length + 1)}`).catch(() => void response.destroy());
    async function forward(address: string): Promise<void> {
      const answer = await fetch(address);
      response.writeHead(answer.status);
      if (answer.body === null) response.end();
      else await pipeline(Readable.fromWeb(answer.body), response);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
