/** A repository of a registry, for reading (distribution-spec 1.1, "Pull" and "Listing Referrers"). */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError, messageOf } from "#errors";
import { bodyOf, shown, unreachable } from "./answer.ts";
import type { Session } from "./answer.ts";
import { findCredentials } from "./credentials.ts";
import type { Credentials } from "./credentials.ts";
import { MEDIA, OCI_MANIFEST_MAX, parseManifest } from "./manifest.ts";
import type { Descriptor } from "./manifest.ts";
import { parseDigest, renderReference } from "./reference.ts";
import type { OciDigest, OciReference } from "./reference.ts";
import { sha256 } from "./repository.ts";
import type { FoundManifest, OciRepository } from "./repository.ts";
import { ask } from "./session.ts";
import { certificatesFor } from "./transport.ts";

export interface RegistryOptions {
  /** PEM file of a certificate authority to trust besides the system's. */
  readonly ca?: string;
  /** Instead of what the login files have. */
  readonly credentials?: Credentials;
  /** Repetitions of a request that failed; 4 when absent. */
  readonly retries?: number;
  /** Milliseconds before the first repetition; 500 when absent. */
  readonly pause?: number;
  /** Milliseconds of silence after which a request has failed; 30,000 when absent. */
  readonly stall?: number;
}

const ACCEPT = [MEDIA.manifest, MEDIA.index, MEDIA.dockerManifest, MEDIA.dockerIndex].join(", ");

/** State of a conversation with the registry of an address; nothing is sent yet. @throws E_OCI_CREDENTIALS */
export function openSession({ origin, repository }: OciReference, options: RegistryOptions = {}): Session {
  const { host } = new URL(origin);
  const ca = [...certificatesFor(host), ...(options.ca === undefined ? [] : [readFileSync(options.ca, "utf8")])];
  const credentials = options.credentials ?? findCredentials(host, repository);
  return {
    origin,
    repository,
    credentials,
    ca,
    retries: options.retries ?? 4,
    pause: options.pause ?? 500,
    stall: options.stall ?? 30_000,
  };
}

/** The repository behind a session, to read from. */
export function registryRepository(session: Session, reference: OciReference): OciRepository {
  return {
    address: renderReference(reference),
    find: (named) => getManifest(session, named ?? reference.digest ?? reference.tag ?? "latest"),
    open: async (descriptor, from, signal) => resuming(session, descriptor, from, signal),
    referrers: (digest) => listReferrers(session, digest),
  };
}

/** @param reference tag or digest. @returns undefined when there is none */
export async function getManifest(session: Session, reference: string): Promise<FoundManifest | undefined> {
  const response = await ask(session, { method: "GET", path: `manifests/${reference}`, headers: { accept: ACCEPT }, expect: [200, 404] });
  if (response.status === 404) {
    response.body.resume();
    return undefined;
  }
  const bytes = await bodyOf(response, OCI_MANIFEST_MAX, `${session.origin}/v2/${session.repository}/manifests/${reference}`);
  const mediaType = (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  const digest = reference.includes(":") ? parseDigest(reference, session.origin) : sha256(bytes);
  return { digest, mediaType, bytes };
}

/** The referrers API, or the tag that stands in for it where the registry has none ("Referrers Tag Schema"). */
async function listReferrers(session: Session, digest: OciDigest): Promise<readonly Descriptor[]> {
  const response = await ask(session, { method: "GET", path: `referrers/${digest}`, headers: { accept: MEDIA.index }, expect: [200, 404] });
  const isIndex = response.status === 200 && (response.headers["content-type"] ?? "").startsWith(MEDIA.index);
  if (!isIndex) response.body.resume();
  const where = `${session.origin}/v2/${session.repository}: referrers of ${digest}`;
  const bytes = isIndex ? await bodyOf(response, OCI_MANIFEST_MAX, where) : (await getManifest(session, referrersTag(digest)))?.bytes;
  if (bytes === undefined) return [];
  const index = parseManifest(bytes, where);
  return index.kind === "index" ? index.manifests : [];
}

export function referrersTag(digest: OciDigest): string {
  return digest.replace(":", "-");
}

/** Yields a blob from byte `from` in as many answers as it takes. */
async function* resuming(session: Session, descriptor: Descriptor, from: number, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const url = new URL(`/v2/${session.repository}/blobs/${descriptor.digest}`, session.origin);
  let received = from;
  for (let failures = 0; ;) {
    const response = await ask(session, {
      method: "GET",
      path: url,
      headers: received === 0 ? {} : { range: `bytes=${received}-` },
      expect: [200, 206],
      ...(signal === undefined ? {} : { signal }),
    });
    // A registry that does no ranges begins at the beginning.
    let skip = response.status === 206 ? 0 : received;
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const fresh = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - fresh.length;
        if (fresh.length === 0) continue;
        received += fresh.length;
        failures = 0;
        yield fresh;
      }
      // A body without a length can end early without an error; one that goes on is the checker's to refuse.
      if (received >= descriptor.size) return;
      throw new Error("the body ended early");
    } catch (cause) {
      if (cause instanceof AshlarError || signal?.aborted === true) throw cause;
      if (failures++ >= session.retries) throw unreachable(url, `it broke off after ${received} of ${descriptor.size} bytes`, cause);
    } finally {
      response.body.destroy();
    }
    await sleep(session.pause * 2 ** failures, undefined, signal === undefined ? {} : { signal });
  }
}

/** Tags of the repository, all pages. @returns none for a repository that does not exist yet */
export async function listTags(session: Session): Promise<string[]> {
  const tags: string[] = [];
  let path: string | URL = "tags/list?n=1000";
  for (let page = 0; page < 100; page++) {
    const response = await ask(session, { method: "GET", path, expect: [200, 404] });
    if (response.status === 404) {
      response.body.resume();
      return tags;
    }
    const where = `${session.origin}/v2/${session.repository}/tags/list`;
    const bytes = await bodyOf(response, OCI_MANIFEST_MAX, where);
    tags.push(...tagsIn(bytes, where));
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers["link"] ?? ""))?.[1];
    if (next === undefined) return tags;
    path = new URL(next, session.origin);
    if (path.origin !== new URL(session.origin).origin) throw notTags(where, `it goes on at ${shown(path)}`);
  }
  return tags;
}

function tagsIn(bytes: Buffer, where: string): string[] {
  try {
    const { tags } = JSON.parse(bytes.toString("utf8")) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    if (Array.isArray(tags)) return tags.filter((tag) => typeof tag === "string");
    throw notTags(where, "it is no list");
  } catch (error) {
    if (error instanceof SyntaxError) throw notTags(where, messageOf(error));
    throw error;
  }
}

function notTags(where: string, why: string): AshlarError {
  return new AshlarError("E_OCI_PROTOCOL", `${where} is no list of tags: ${why}`, {
    hint: "check that the address is that of an OCI registry",
  });
}
