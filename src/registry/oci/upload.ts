/** A repository of a registry, for writing (distribution-spec 1.1, "Push"): blobs in pieces that can be sent again, then manifests. */
import { closeSync, openSync, readSync } from "node:fs";
import { AshlarError } from "#errors";
import { bodyOf, shown, unreachable } from "./answer.ts";
import type { Session } from "./answer.ts";
import type { OciErrorCode } from "./errors.ts";
import { MEDIA } from "./manifest.ts";
import type { Descriptor } from "./manifest.ts";
import type { OciDigest } from "./reference.ts";
import { getManifest, referrersTag } from "./registry.ts";
import { ask } from "./session.ts";
import type { HttpResponse } from "./transport.ts";

/** Larger blobs are sent in pieces of this size: after a broken connection at most one of them travels twice. */
const PIECE = 8 * 1024 * 1024;

export async function hasBlob(session: Session, digest: OciDigest): Promise<boolean> {
  const response = await ask(session, { method: "HEAD", path: `blobs/${digest}`, expect: [200, 404] });
  response.body.resume();
  return response.status === 200;
}

/**
 * Uploads a blob that the repository lacks.
 * @param path of the file that holds it
 * @param from another repository of the same registry that has it, perhaps
 * @returns whether its bytes had to travel
 * @throws E_OCI_UNREACHABLE, E_OCI_UNAUTHORIZED, E_OCI_PROTOCOL
 */
export async function uploadBlob(session: Session, { digest, size }: Descriptor, path: string, from?: string): Promise<boolean> {
  const query = from === undefined ? "" : `?${new URLSearchParams({ mount: digest, from }).toString()}`;
  const begun = await ask(session, {
    method: "POST",
    path: `blobs/uploads/${query}`,
    expect: [201, 202],
    ...(from === undefined ? {} : { scopes: [`repository:${from}:pull`] }),
  });
  begun.body.resume();
  if (begun.status === 201) return false;
  let location = locationOf(session, begun);
  const fd = openSync(path, "r");
  try {
    let sent = 0;
    if (size > PIECE)
      for (let failures = 0; sent < size;) {
        const piece = readPiece(fd, sent, Math.min(PIECE, size - sent));
        const answer = await sendPiece(session, location, piece, sent);
        if (answer !== undefined) {
          location = answer;
          sent += piece.length;
          failures = 0;
          continue;
        }
        if (failures++ >= session.retries) throw unreachable(location, `sending broke off after ${sent} of ${size} bytes`);
        [location, sent] = await whereWeAre(session, location);
      }
    const end = new URL(location);
    end.searchParams.set("digest", digest);
    const rest = sent === size ? Buffer.alloc(0) : readPiece(fd, sent, size - sent);
    const headers = { "content-type": "application/octet-stream" };
    (await ask(session, { method: "PUT", path: end, headers, body: rest, expect: [201] })).body.resume();
    return true;
  } finally {
    closeSync(fd);
  }
}

/**
 * Puts a manifest under a tag or its digest; with a subject, it is listed among the referrers of that, too.
 * @throws E_OCI_UNREACHABLE, E_OCI_UNAUTHORIZED, E_OCI_PROTOCOL
 */
export async function putManifest(
  session: Session,
  { descriptor, bytes, subject }: { readonly descriptor: Descriptor; readonly bytes: Buffer; readonly subject?: OciDigest },
  reference: string = descriptor.digest,
): Promise<void> {
  const headers = { "content-type": descriptor.mediaType };
  const response = await ask(session, { method: "PUT", path: `manifests/${reference}`, headers, body: bytes, expect: [201] });
  response.body.resume();
  if (subject !== undefined && response.headers["oci-subject"] === undefined) await addReferrer(session, descriptor, subject);
}

/** For registries that know no referrers: an index under a tag made of the subject's digest. */
async function addReferrer(session: Session, descriptor: Descriptor, subject: OciDigest): Promise<void> {
  const tag = referrersTag(subject);
  const before = await getManifest(session, tag);
  const listed = before === undefined ? [] : (JSON.parse(before.bytes.toString("utf8")) as { manifests?: Descriptor[] }).manifests;
  const manifests = [...(listed ?? []).filter(({ digest }) => digest !== descriptor.digest), descriptor];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.index, manifests }));
  const headers = { "content-type": MEDIA.index };
  (await ask(session, { method: "PUT", path: `manifests/${tag}`, headers, body: bytes, expect: [201] })).body.resume();
}

/** Where the next piece goes; undefined when it is not known how much of this one arrived. */
async function sendPiece(session: Session, location: URL, piece: Buffer, at: number): Promise<URL | undefined> {
  const headers = { "content-type": "application/octet-stream", "content-range": `${at}-${at + piece.length - 1}` };
  try {
    const response = await ask(session, { method: "PATCH", path: location, headers, body: piece, expect: [202], once: true });
    response.body.resume();
    return locationOf(session, response);
  } catch (error) {
    if (error instanceof AshlarError && error.code === "E_OCI_UNREACHABLE") return undefined;
    throw error;
  }
}

async function whereWeAre(session: Session, location: URL): Promise<[URL, number]> {
  const response = await ask(session, { method: "GET", path: location, expect: [204] });
  await bodyOf(response, 1024, shown(location));
  const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers["range"] ?? "")?.[1];
  // "0-0" stands for nothing as well as for one byte: registries say it of an upload that has not begun.
  const received = last === undefined || last === "0" ? 0 : Number(last) + 1;
  return [locationOf(session, response), received];
}

/** Uploads stay at the registry: a session of its own elsewhere would get the login or lack it. */
function locationOf(session: Session, response: HttpResponse): URL {
  const { location } = response.headers;
  const url = location !== undefined && URL.canParse(location, session.origin) ? new URL(location, session.origin) : undefined;
  if (url !== undefined && url.host === new URL(session.origin).host) {
    // Behind a proxy, registries often do not know that they are reached over TLS.
    url.protocol = new URL(session.origin).protocol;
    return url;
  }
  throw new AshlarError<OciErrorCode>("E_OCI_REDIRECT", `${session.origin}/v2/${session.repository} sends uploads elsewhere`, {
    hint: "check the registry's own idea of its address; nothing was uploaded",
    details: { origin: session.origin },
  });
}

function readPiece(fd: number, at: number, size: number): Buffer {
  const piece = Buffer.alloc(size);
  for (let filled = 0; filled < size;) {
    const count = readSync(fd, piece, filled, size - filled, at + filled);
    if (count === 0) throw new RangeError(`a blob that is ${size - filled} bytes shorter than it was`);
    filled += count;
  }
  return piece;
}
