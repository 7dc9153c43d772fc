/**
 * A machine's look at the metadata of a source, by the client workflow of TUF 1.0.31 §5
 * (https://theupdateframework.github.io/specification/v1.0.31/#detailed-client-workflow). What decides is tuf-js's trusted set;
 * here is what it leaves open: where bytes come from, how many, what is remembered, and what an error means.
 */
import type { Metadata, Root, Targets } from "@tufjs/models";
import { TrustedMetadataStore } from "tuf-js/dist/store.js";
import { AshlarError } from "#errors";
import { readFrom } from "../stream.ts";
import type { ReleaseSource } from "../stream.ts";
import { METADATA_MAX, ROOTS_MAX, TIMESTAMP_FILE, metadataPath } from "./layout.ts";
import type { Role } from "./layout.ts";
import { readRaw, trustError } from "./metadata.ts";
import type { RawMetadata } from "./metadata.ts";
import { verifying } from "./verdict.ts";

/** What a machine has verified, byte for byte. */
export interface TrustedMetadata {
  readonly root: Buffer;
  readonly timestamp?: Buffer | undefined;
  readonly snapshot?: Buffer | undefined;
  readonly targets?: Buffer | undefined;
}

/**
 * Called with everything that is verified by then, as it grows: kept even when a later step fails (§5.3.8, 5.4.5, …).
 * @param forget what was known before is signed by keys that do not count any more: its versions say nothing (§5.3.11)
 */
export type Remember = (trusted: TrustedMetadata, forget?: boolean) => void;

export interface Refreshed {
  readonly root: Metadata<Root>;
  readonly targets: Metadata<Targets>;
}

export interface RefreshOptions {
  /** Where the machine stands. */
  readonly trusted: TrustedMetadata;
  /** Seconds since 1970: one time for the whole look (§5.1). */
  readonly now: number;
  readonly remember: Remember;
}

/** @throws E_TRUST_* */
export async function refreshTrust(source: ReleaseSource, { trusted, now, remember }: RefreshOptions): Promise<Refreshed> {
  let verified: TrustedMetadata = trusted;
  const set = verifying("root", "the root of this machine", () => {
    readRaw(trusted.root, "root", "the root of this machine");
    return new TrustedMetadataStore(trusted.root);
  });
  // The library asks the process's clock; a machine has one clock for all its decisions, and tests have their own.
  Object.assign(set, { referenceTime: new Date(now * 1000) });
  const keep = (role: Role, bytes: Buffer): void => remember((verified = { ...verified, [role]: bytes }));

  await walkRoots(source, set, (bytes) => keep("root", bytes));
  if (trusted.timestamp !== undefined && !counts(set, trusted.timestamp)) remember((verified = { root: verified.root }), true);
  await updateTimestamp(source, set, { keep, now });
  await updateSnapshot(source, set, { known: verified.snapshot, keep, now });
  await updateTargets(source, set, { known: verified.targets, keep, now });
  const { root, targets } = set;
  if (targets === undefined) throw new RangeError("targets were verified and are not there");
  return { root, targets };
}

/** §5.3: every root is signed by the one before and by itself; expiry counts for the last one only. */
async function walkRoots(source: ReleaseSource, set: TrustedMetadataStore, keep: (bytes: Buffer) => void): Promise<void> {
  for (let count = 0; count < ROOTS_MAX; count++) {
    const path = metadataPath("root", set.root.signed.version + 1);
    const bytes = await read(source, path, "root");
    if (bytes === undefined) return;
    const where = `${source.address}/${path}`;
    readRaw(bytes, "root", where);
    verifying("root", where, () => set.updateRoot(bytes));
    keep(bytes);
  }
}

interface Known {
  readonly known: Buffer | undefined;
  readonly keep: (role: Role, bytes: Buffer) => void;
  readonly now: number;
}

/** Loads what was known before, so that its versions count, though it may have expired. @returns false when nobody signed it now */
function counts(set: TrustedMetadataStore, known: Buffer): boolean {
  ifStillGood(() => void set.updateTimestamp(known));
  return set.timestamp !== undefined;
}

/** §5.4 */
async function updateTimestamp(source: ReleaseSource, set: TrustedMetadataStore, { keep, now }: Omit<Known, "known">): Promise<void> {
  const bytes = await need(source, TIMESTAMP_FILE, "timestamp");
  const where = `${source.address}/${TIMESTAMP_FILE}`;
  const raw = readRaw(bytes, "timestamp", where);
  // The same version again is the ordinary case of nothing new.
  if (verifying("timestamp", where, () => set.updateTimestamp(bytes), expiredBy(set, raw, now)) !== undefined) keep("timestamp", bytes);
}

/** §5.5 */
async function updateSnapshot(source: ReleaseSource, set: TrustedMetadataStore, { known, keep, now }: Known): Promise<void> {
  if (known !== undefined && ifStillGood(() => void set.updateSnapshot(known, true))) return;
  const path = metadataPath("snapshot", set.timestamp?.signed.snapshotMeta.version ?? 0);
  const bytes = await need(source, path, "snapshot");
  const where = `${source.address}/${path}`;
  const raw = readRaw(bytes, "snapshot", where);
  verifying("snapshot", where, () => set.updateSnapshot(bytes), expiredBy(set, raw, now));
  keep("snapshot", bytes);
}

/** §5.6; releases are not delegated. */
async function updateTargets(source: ReleaseSource, set: TrustedMetadataStore, { known, keep, now }: Known): Promise<void> {
  if (known !== undefined && ifStillGood(() => set.updateDelegatedTargets(known, "targets", "root"))) return;
  const version = set.snapshot?.signed.meta["targets.json"]?.version;
  if (version === undefined) throw trustError("E_TRUST_MALFORMED", `${source.address}: the snapshot names no targets.json`, source.address);
  const path = metadataPath("targets", version);
  const bytes = await need(source, path, "targets");
  const where = `${source.address}/${path}`;
  const raw = readRaw(bytes, "targets", where);
  verifying("targets", where, () => set.updateDelegatedTargets(bytes, "targets", "root"), expiredBy(set, raw, now));
  keep("targets", bytes);
}

/** "was good until …": of the file at hand, or of the root above it. */
function expiredBy(set: TrustedMetadataStore, { signed }: RawMetadata, now: number): (about: Role) => string {
  const today = new Date(now * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return (about) => `was good until ${about === "root" ? set.root.signed.expires : signed.expires}; it is now ${today}`;
}

/** What this machine verified before may have expired or be signed by keys that do not count any more: then it says nothing. */
function ifStillGood(load: () => void): boolean {
  try {
    verifying("timestamp", "what this machine knew", load);
    return true;
  } catch (error) {
    if (error instanceof AshlarError) return false;
    throw error;
  }
}

/** A file that has to be there. @throws E_TRUST_INCOMPLETE, E_TRUST_SIZE */
export async function need(source: ReleaseSource, path: string, role: Role): Promise<Buffer> {
  const bytes = await read(source, path, role);
  if (bytes === undefined) throw trustError("E_TRUST_INCOMPLETE", `${source.address} has no ${path}`, source.address);
  return bytes;
}

/** @throws E_TRUST_SIZE instead of reading on */
async function read(source: ReleaseSource, path: string, role: Role): Promise<Buffer | undefined> {
  try {
    return await readFrom(source, path, METADATA_MAX[role]);
  } catch (error) {
    if (!(error instanceof AshlarError) || error.code !== "E_OBJECT_DIGEST") throw error;
    throw trustError("E_TRUST_SIZE", error.message, `${source.address}/${path}`, error);
  }
}
