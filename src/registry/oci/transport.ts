/** One HTTP request: no retries, no redirects, no authentication; bounded in time, and with the certificates that it may trust. */
import { readFileSync, readdirSync } from "node:fs";
import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { Readable } from "node:stream";
import { getCACertificates } from "node:tls";
import { hasErrno } from "#errors";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** PEM; the system's certificates count as well. */
  readonly ca?: readonly string[];
  /** Milliseconds of silence after which it has failed. */
  readonly stall: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** @throws system errors (ECONNREFUSED, a certificate's …); the body's own errors come when it is read */
export function send({ method, url, headers = {}, body, ca = [], stall, signal }: HttpRequest): Promise<HttpResponse> {
  const secure = url.protocol === "https:";
  const options = {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "content-length": String(body.length) }) },
    timeout: stall,
    ...(signal === undefined ? {} : { signal }),
  };
  return new Promise((resolve, reject) => {
    const request = secure
      ? httpsRequest(url, { ...options, ...(ca.length === 0 ? {} : { ca: [...getCACertificates("default"), ...ca] }) })
      : httpRequest(url, options);
    request.once("response", (response) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response }));
    request.once("timeout", () => request.destroy(new Error(`nothing came for ${stall} ms`)));
    request.once("error", reject);
    // Pieces, so that a peer that reads slowly is not a silent one.
    Readable.from(body === undefined ? [] : piecesOf(body)).pipe(request);
  });
}

function* piecesOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += 64 * 1024) yield body.subarray(at, at + 64 * 1024);
}

/**
 * Certificates for one registry, where podman and docker look for them (containers-certs.d(5)):
 * `/etc/containers/certs.d/<host:port>/*.crt`, `/etc/docker/certs.d/…`.
 */
export function certificatesFor(host: string, roots: readonly string[] = ["/etc/containers/certs.d", "/etc/docker/certs.d"]): string[] {
  return roots.flatMap((root) => {
    const folder = join(root, host);
    try {
      return readdirSync(folder)
        .filter((name) => name.endsWith(".crt"))
        .sort()
        .map((name) => readFileSync(join(folder, name), "utf8"));
    } catch (error) {
      if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return [];
      throw error;
    }
  });
}
