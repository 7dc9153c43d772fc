/**
 * The metadata of a place (a folder of releases, a repository of a registry) after one more release, or renewed.
 *
 * Versions are milliseconds since 1970, or one more than the last: so of two places that the same keys publish to, the one that was
 * signed later is the newer one to a machine that knows both.
 */
import { hash } from "node:crypto";
import { Metadata, MetadataKind } from "@tufjs/models";
import type { Targets } from "@tufjs/models";
import { AshlarError } from "#errors";
import type { RegistryErrorCode } from "../errors.ts";
import { manifestPath } from "../layout.ts";
import type { Release } from "../release.ts";
import { customOf, entriesIn } from "./entries.ts";
import type { ReleaseEntry } from "./entries.ts";
import { TIMESTAMP_FILE, metadataPath } from "./layout.ts";
import type { Role } from "./layout.ts";
import { SPEC_VERSION, readRaw } from "./metadata.ts";
import type { JsonObject } from "./metadata.ts";
import { renderMetadata, signMetadata } from "./ring.ts";
import type { KeyRing } from "./ring.ts";
import { expiry } from "./ring-changes.ts";
import { verifying } from "./verdict.ts";

/** Who signs; the keys of nobody make metadata that only `--unsafe-unsigned` takes. */
export type Signing = KeyRing | "unsafe-unsigned";

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
  readonly add?: { readonly release: Release; readonly manifest: Buffer; readonly channel: string; readonly barrier: boolean };
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Releases of a channel that stay listed besides barriers: a machine goes to the newest one in any case. */
const LISTED = 32;
/** Unsigned metadata never expires in any way that counts. */
const UNSIGNED_DAYS = 3650;

/**
 * Files to write in this order; the timestamp last.
 * @throws E_PUBLISH_FOLDER, E_KEYS_MISSING, E_KEYS_PASSPHRASE
 */
export function placeFiles({ signing, before, where, add, now }: PlaceChange): TrustFile[] {
  const known = before === undefined ? { version: 0, entries: [] } : knownIn(before, signing, where);
  const added = add === undefined ? [] : [entryOf(add)];
  const entries = listed([...known.entries.filter((each) => each.sequence !== added[0]?.sequence), ...added]);
  const version = Math.max(known.version + 1, now);
  const seconds = Math.floor(now / 1000);
  const days = signing === "unsafe-unsigned" ? undefined : signing.settings.days;
  const make = (role: Exclude<Role, "root">, content: Readonly<Record<string, unknown>>): Buffer => {
    const signed = {
      _type: role,
      spec_version: SPEC_VERSION,
      version,
      expires: expiry(seconds, days?.[role] ?? UNSIGNED_DAYS),
      ...content,
    };
    return signing === "unsafe-unsigned" ? renderMetadata(signed) : signMetadata(signing, { role, signed });
  };
  // Renewing needs no offline key: targets stay as they are, byte for byte.
  const targets =
    add === undefined && before !== undefined
      ? { bytes: before, version: known.version }
      : { bytes: make("targets", { targets: Object.fromEntries(entries.map(targetOf)) }), version };
  const snapshot = make("snapshot", { meta: { "targets.json": metaOf(targets.bytes, targets.version) } });
  const timestamp = make("timestamp", { meta: { "snapshot.json": metaOf(snapshot, version) } });
  const roots = signing === "unsafe-unsigned" ? [] : signing.roots;
  return [
    ...roots.map((bytes, at) => ({ path: metadataPath("root", at + 1), bytes })),
    { path: metadataPath("targets", targets.version), bytes: targets.bytes },
    { path: metadataPath("snapshot", version), bytes: snapshot },
    { path: TIMESTAMP_FILE, bytes: timestamp },
  ];
}

/** Whoever can write to the place could have listed anything: only what our own keys signed is signed again. */
function knownIn(bytes: Buffer, signing: Signing, where: string): { readonly version: number; readonly entries: readonly ReleaseEntry[] } {
  const { signed, signatures } = readRaw(bytes, "targets", where);
  const targets = verifying("targets", where, () =>
    Metadata.fromJSON(MetadataKind.Targets, JSON.parse(bytes.toString("utf8")) as JsonObject),
  );
  if (signing === "unsafe-unsigned") {
    if (signatures.length > 0) throw refused(where, "its releases are signed, and would not be any more", "publish with --keys");
  } else if (!isSignedBy(signing, targets))
    throw refused(where, "its list of releases is not signed by these keys", "use the keys that it was published with, or a new folder");
  return { version: signed.version, entries: entriesIn(targets.signed.targets, where) };
}

function isSignedBy(ring: KeyRing, targets: Metadata<Targets>): boolean {
  try {
    verifying("targets", ring.folder, () => ring.root.verifyDelegate("targets", targets));
    return true;
  } catch (error) {
    if (error instanceof AshlarError && error.code === "E_TRUST_UNSIGNED") return false;
    throw error;
  }
}

function entryOf({ release, manifest, channel, barrier }: NonNullable<PlaceChange["add"]>): ReleaseEntry {
  const { sequence, image } = release;
  return { sequence, channel, image: image.digest, barrier, length: manifest.length, sha256: hash("sha256", manifest, "hex") };
}

/** Barriers always; of each channel the newest. */
function listed(entries: readonly ReleaseEntry[]): ReleaseEntry[] {
  const left = new Map<string, number>();
  return entries
    .toSorted((a, b) => b.sequence - a.sequence)
    .filter(({ channel, barrier }) => {
      const seen = left.get(channel) ?? 0;
      left.set(channel, seen + 1);
      return barrier || seen < LISTED;
    })
    .toReversed();
}

function targetOf(entry: ReleaseEntry): [string, unknown] {
  return [manifestPath(entry.sequence), { length: entry.length, hashes: { sha256: entry.sha256 }, custom: customOf(entry) }];
}

function metaOf(bytes: Buffer, version: number): Record<string, unknown> {
  return { version, length: bytes.length, hashes: { sha256: hash("sha256", bytes, "hex") } };
}

function refused(where: string, why: string, hint: string): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_PUBLISH_FOLDER", `${where}: ${why}`, { hint: `${hint}; nothing was published`, details: { where } });
}
