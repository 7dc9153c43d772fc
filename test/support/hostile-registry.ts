/** A registry that does what the test tells it, for one repository `web`. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import { parseReference } from "#registry/oci/reference.ts";
import type { OciDigest } from "#registry/oci/reference.ts";
import { openSession, registryRepository } from "#registry/oci/registry.ts";
import type { RegistryOptions } from "#registry/oci/registry.ts";
import type { OciRepository } from "#registry/oci/repository.ts";
import { MEDIA } from "#registry/oci/manifest.ts";
import type { Descriptor } from "#registry/oci/manifest.ts";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface HostileRegistry extends AsyncDisposable {
  readonly origin: string;
  readonly requests: IncomingMessage[];
  repository(options?: RegistryOptions): OciRepository;
}

/** @param answers by path without /v2/web/; all others are 404 */
export async function hostileRegistry(answers: Readonly<Record<string, Answer | Buffer | string>>): Promise<HostileRegistry> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const answer = answers[(request.url ?? "").replace(/^\/v2\/web\//, "").replace(/\?.*/, "")];
    if (answer === undefined) response.writeHead(404).end();
    else if (typeof answer === "function") void answer(request, response);
    else response.writeHead(200, { "content-type": typeof answer === "string" ? MEDIA.manifest : "application/octet-stream" }).end(answer);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const reference = parseReference(`oci+http://127.0.0.1:${port}/web:latest`);
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    repository: (options = {}) => registryRepository(openSession(reference, { retries: 1, pause: 1, stall: 2000, ...options }), reference),
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

export function digestOf(bytes: Buffer | string): OciDigest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as OciDigest;
}

export function describe(bytes: Buffer | string, mediaType: string = MEDIA.layer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: Buffer.byteLength(bytes) };
}

export function manifestOf(config: Descriptor, layers: readonly Descriptor[], more: object = {}): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.manifest, config, layers, ...more });
}
