/**
 * The file that `podman save` and `docker save` write: a tar of a configuration, the layers, and a `manifest.json` that names
 * them (https://github.com/moby/moby/blob/v28.0.0/image/spec/spec.md, "Combined Image JSON + Filesystem Changeset Format").
 * It has no digests of its blobs, so they are computed first; read from then on like any other repository.
 */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { AshlarError, messageOf } from "#errors";
import { BLOCK } from "#formats/tar/entry.ts";
import { readTarHeader } from "#formats/tar/header.ts";
import { isZero } from "#formats/tar/reader.ts";
import { ShapeError, list, string } from "#formats/shape.ts";
import type { OciErrorCode } from "./errors.ts";
import { MEDIA, OCI_MANIFEST_MAX, fieldsOf } from "./manifest.ts";
import type { Descriptor } from "./manifest.ts";
import type { OciDigest } from "./reference.ts";
import { sha256 } from "./repository.ts";
import type { FoundManifest, OciRepository } from "./repository.ts";

/** Where a file lies in the archive. */
interface Member {
  /** Bytes. */
  readonly at: number;
  readonly size: number;
}

const MEMBERS_MAX = 10_000;
const LAYERS_MAX = 4096;

/** The only image of an archive. @throws E_OCI_ARCHIVE when it is read */
export function dockerArchive(path: string): OciRepository {
  let opened: Promise<OpenedArchive> | undefined;
  const archive = (): Promise<OpenedArchive> => (opened ??= openArchive(path));
  return {
    address: path,
    find: async (reference) => {
      const { image } = await archive();
      return reference === undefined || reference === image.digest ? image : undefined;
    },
    open: async ({ digest }, from, signal) => {
      const member = (await archive()).blobs.get(digest);
      if (member === undefined) throw malformed(path, `it has no blob ${digest}`);
      const given = signal === undefined ? {} : { signal };
      return createReadStream(path, { start: member.at + from, end: member.at + member.size - 1, ...given }) as AsyncIterable<Buffer>;
    },
    referrers: async () => [],
  };
}

interface OpenedArchive {
  readonly image: FoundManifest;
  readonly blobs: ReadonlyMap<OciDigest, Member>;
}

async function openArchive(path: string): Promise<OpenedArchive> {
  const members = membersOf(path);
  const { config, layers } = imageIn(path, readMember(path, "manifest.json", members));
  const blobs = new Map<OciDigest, Member>();
  const describe = async (name: string, mediaType: string): Promise<Descriptor> => {
    const member = memberOf(path, name, members);
    const digest = await digestOf(path, member);
    blobs.set(digest, member);
    return { mediaType, digest, size: member.size };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: await describe(config, MEDIA.config),
    layers: await Array.fromAsync(layers, (name) => describe(name, MEDIA.layer)),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { image: { digest: sha256(bytes), mediaType: MEDIA.manifest, bytes }, blobs };
}

/** Only names and places; contents are read when they are asked for. */
function membersOf(path: string): ReadonlyMap<string, Member> {
  const members = new Map<string, Member>();
  const fd = openSync(path, "r");
  try {
    const block = Buffer.alloc(BLOCK);
    for (let at = 0, number = 1; readSync(fd, block, 0, BLOCK, at) === BLOCK && !isZero(block); number++) {
      if (number > MEMBERS_MAX) throw malformed(path, `it has more than ${MEMBERS_MAX} files`);
      const header = readTarHeader(block, number);
      if (header.typeFlag === "0" || header.typeFlag === "\0")
        members.set(header.name.replace(/^\.\//, ""), { at: at + BLOCK, size: header.size });
      at += BLOCK + Math.ceil(header.size / BLOCK) * BLOCK;
    }
  } finally {
    closeSync(fd);
  }
  return members;
}

function readMember(path: string, name: string, members: ReadonlyMap<string, Member>): Buffer {
  const { at, size } = memberOf(path, name, members);
  if (size > OCI_MANIFEST_MAX) throw malformed(path, `${name} has ${size} bytes`);
  const bytes = Buffer.alloc(size);
  const fd = openSync(path, "r");
  try {
    if (readSync(fd, bytes, 0, size, at) < size) throw malformed(path, `${name} ends early`);
  } finally {
    closeSync(fd);
  }
  return bytes;
}

function memberOf(path: string, name: string, members: ReadonlyMap<string, Member>): Member {
  const member = members.get(name);
  if (member === undefined) throw malformed(path, `it has no file ${JSON.stringify(name)}`);
  return member;
}

function imageIn(path: string, bytes: Buffer): { readonly config: string; readonly layers: readonly string[] } {
  try {
    const images = list((value) => fieldsOf(value, ""), 100)(JSON.parse(bytes.toString("utf8")), "");
    const [image] = images;
    if (image === undefined || images.length > 1) throw new ShapeError(`it has ${images.length} images, one is wanted`);
    return { config: string(255)(image["Config"], "Config"), layers: list(string(255), LAYERS_MAX)(image["Layers"], "Layers") };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof ShapeError)) throw error;
    throw malformed(path, `manifest.json: ${messageOf(error)}`, error);
  }
}

async function digestOf(path: string, { at, size }: Member): Promise<OciDigest> {
  const hash = createHash("sha256");
  if (size > 0) for await (const chunk of createReadStream(path, { start: at, end: at + size - 1 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest("hex")}` as OciDigest;
}

function malformed(path: string, why: string, cause?: unknown): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_ARCHIVE", `${path} is no archive of one image: ${why}`, {
    cause,
    hint: "make it with `podman save --format docker-archive -o FILE IMAGE`; nothing was changed",
    details: { path },
  });
}
