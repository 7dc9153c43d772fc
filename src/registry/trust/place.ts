/**
 * The metadata of a place (a folder of releases, a repository of a registry) after one more release, or renewed.
 *
 * Versions are milliseconds since 1970, or one more than the last: so of two places that the same keys publish to, the one that was
 * signed later is the newer one to a machine that knows both.
 */
import { hash } from "node:crypto";
import { TIMESTAMP_FILE, metadataPath } from "./layout.ts";
import type { Role } from "./layout.ts";
import { entryOf, listedIn, nextTargets, nextVersion } from "./listing.ts";
import type { NewRelease } from "./listing.ts";
import { SPEC_VERSION, expiry } from "./metadata.ts";
import { renderMetadata, signMetadata } from "./signatures.ts";
import type { Signing } from "./signatures.ts";

export interface TrustFile {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface PlaceChange {
  readonly signing: Signing;
  /** The place's own targets.json; undefined for a new place. */
  readonly before: Buffer | undefined;
  /** For messages. */
  readonly where: string;
  readonly add?: NewRelease;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Unsigned metadata never expires in any way that counts. */
const UNSIGNED_DAYS = 3650;

/**
 * Files to write in this order; the timestamp last.
 * @throws E_PUBLISH_FOLDER, E_KEYS_MISSING, E_KEYS_PASSPHRASE
 */
export function placeFiles({ signing, before, where, add, now }: PlaceChange): TrustFile[] {
  const known = listedIn(before, signing, where);
  const version = nextVersion(known.version, now);
  // Renewing needs no offline key: targets stay as they are, byte for byte.
  if (add === undefined && before !== undefined) return vouchFor({ bytes: before, version: known.version }, signing, version, now);
  const signed = nextTargets(known.entries, add === undefined ? [] : [entryOf(add)], version, expiryOf("targets", signing, now));
  return vouchFor({ bytes: signedBy(signing, "targets", signed), version }, signing, version, now);
}

export interface TargetsFile {
  readonly bytes: Buffer;
  readonly version: number;
}

/** All files of a place whose list of releases is signed. @param version of what vouches for it */
export function vouchFor(targets: TargetsFile, signing: Signing, version: number, now: number): TrustFile[] {
  const make = (role: "snapshot" | "timestamp", meta: Readonly<Record<string, unknown>>): Buffer =>
    signedBy(signing, role, { _type: role, spec_version: SPEC_VERSION, version, expires: expiryOf(role, signing, now), meta });
  const snapshot = make("snapshot", { "targets.json": metaOf(targets.bytes, targets.version) });
  const timestamp = make("timestamp", { "snapshot.json": metaOf(snapshot, version) });
  const roots = signing === "unsafe-unsigned" ? [] : signing.roots;
  return [
    ...roots.map((bytes, at) => ({ path: metadataPath("root", at + 1), bytes })),
    { path: metadataPath("targets", targets.version), bytes: targets.bytes },
    { path: metadataPath("snapshot", version), bytes: snapshot },
    { path: TIMESTAMP_FILE, bytes: timestamp },
  ];
}

/** When metadata expires that is signed now. @param now milliseconds since 1970 */
export function expiryOf(role: Exclude<Role, "root">, signing: Signing, now: number): string {
  return expiry(Math.floor(now / 1000), signing === "unsafe-unsigned" ? UNSIGNED_DAYS : signing.settings.days[role]);
}

function signedBy(signing: Signing, role: Role, signed: Readonly<Record<string, unknown>>): Buffer {
  return signing === "unsafe-unsigned" ? renderMetadata(signed) : signMetadata(signing, { role, signed });
}

function metaOf(bytes: Buffer, version: number): Record<string, unknown> {
  return { version, length: bytes.length, hashes: { sha256: hash("sha256", bytes, "hex") } };
}
