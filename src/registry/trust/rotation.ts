/**
 * Replacing keys with overlap: each root is signed by the keys of the one before, and by those that it names itself. Where they
 * are not all here, the next root waits in `<version>.root.proposed.json` until people who have the others have signed it.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Metadata, Root } from "@tufjs/models";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { TrustErrorCode } from "./errors.ts";
import { createKeyFile } from "./key-file.ts";
import { SPEC_VERSION, expiry, publicPart, readRaw } from "./metadata.ts";
import { KEYS_MIN } from "./new-ring.ts";
import { SKEW, refused, signedByOurs } from "./proposal.ts";
import { openRing, readRoot } from "./ring.ts";
import type { KeyRing } from "./ring.ts";
import { isComplete, signInTurn, signaturesOn } from "./signatures.ts";
import type { SignedSoFar } from "./signatures.ts";

export interface RotateOptions {
  /** The beginning of the id of a key that must not count any more. */
  readonly revoke?: string | undefined;
  /** Whether another key takes part from now on. */
  readonly add: boolean;
  /** Whether the new key is written as it is. */
  readonly plain: boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

/**
 * Writes the next root. The keys that stay sign it, and so does a key that goes, as far as they are here.
 * @throws E_KEYS_UNKNOWN, E_KEYS_MISSING, E_KEYS_FOLDER, E_KEYS_PASSPHRASE; E_KEYS_PROPOSAL where one waits already
 */
export function rotateRing(ring: KeyRing, { revoke, add, plain, now }: RotateOptions): KeyRing {
  const { folder, root } = ring;
  const waiting = proposedPath(ring);
  if (existsSync(waiting)) throw refused(waiting, "it waits for signatures already (ashlar keys sign), unless you remove it");
  const revoked = revoke === undefined ? undefined : named(root, revoke, folder);
  const isOnline = revoked !== undefined && !root.signed.roles["root"]!.keyIDs.includes(revoked);
  // A root that says so little must be refused before a key is made for it.
  const count = root.signed.roles["root"]!.keyIDs.filter((id) => id !== revoked).length + (add && !isOnline ? 1 : 0);
  if (count < Math.max(KEYS_MIN, root.signed.roles["root"]!.threshold) || (isOnline && !add))
    throw new AshlarError<TrustErrorCode>("E_KEYS_FOLDER", `without ${revoke ?? ""} and without a new key too few would be left`, {
      hint: "leave --no-new-key out; nothing was changed",
    });
  // Whether they can sign at all is known before anything is written.
  signInTurn(ring, { role: "root", signed: {} });
  const path = newKeyPath(folder, isOnline);
  const file = add ? createKeyFile(path, plain ? undefined : ring.passphrase()) : undefined;
  const created = file === undefined ? undefined : { id: file.keyid, public: file.public, isOnline };
  const signed = nextRoot(root, { revoked, created, expires: expiry(now, ring.settings.days.root) });
  const keys = file === undefined ? ring.keys : [...ring.keys, { path, file }];
  return placeRoot(ring, signRoot({ ...ring, keys }, signed));
}

/** The next root, while it waits. */
export interface ProposedRoot extends SignedSoFar {
  readonly version: number;
  /** Ids of keys that would count from then on, and that would not any more. */
  readonly comes: readonly string[];
  readonly goes: readonly string[];
}

/**
 * What waits, if it is what {@link rotateRing} writes.
 * @param now seconds since 1970
 * @throws E_KEYS_PROPOSAL, E_TRUST_MALFORMED
 */
export function readProposedRoot(ring: KeyRing, now: number): ProposedRoot | undefined {
  const path = proposedPath(ring);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  const { signed } = readRaw(bytes, "root", path);
  const next = readRoot(bytes, path);
  const [before, after] = [Object.keys(ring.root.signed.keys), Object.keys(next.signed.keys)];
  const comes = after.filter((id) => !before.includes(id));
  const goes = before.filter((id) => !after.includes(id));
  const [id, revoked] = [comes[0], goes[0]];
  const isOnline = id !== undefined && !next.signed.roles["root"]!.keyIDs.includes(id);
  const created = id === undefined ? undefined : { id, public: next.signed.keys[id]?.keyVal.public ?? "", isOnline };
  const expected = nextRoot(ring.root, { revoked, created, expires: signed.expires });
  if (canonicalJson(signed) !== canonicalJson(expected)) throw refused(path, "it changes more than that a key comes, a key goes, or both");
  if (signed.expires > expiry(now + SKEW, ring.settings.days.root))
    throw refused(path, `it would be good until ${signed.expires}, longer than keys.json says`);
  return { bytes, version: signed.version, comes, goes, ...signedByOurs(signaturesOn(bytes, "root", [ring.root, next]), path) };
}

/** Signs with the keys that are here. @returns the ring with the root when enough have signed. @throws E_KEYS_* */
export function signProposedRoot(ring: KeyRing, { bytes }: ProposedRoot): KeyRing {
  return placeRoot(ring, signRoot(ring, readRaw(bytes, "root", ring.folder).signed, bytes));
}

function signRoot(ring: KeyRing, signed: Readonly<Record<string, unknown>>, earlier?: Buffer): SignedSoFar {
  const next = readRoot(Buffer.from(canonicalJson({ signatures: [], signed })), ring.folder);
  return signInTurn(ring, { role: "root", signed, under: [ring.root, next] }, earlier);
}

function placeRoot(ring: KeyRing, made: SignedSoFar): KeyRing {
  const waiting = proposedPath(ring);
  if (isComplete(made)) {
    writeFileAtomic(join(ring.folder, `${ring.roots.length + 1}.root.json`), made.bytes);
    rmSync(waiting, { force: true });
  } else writeFileAtomic(waiting, made.bytes);
  return openRing(ring.folder, ring.passphrase);
}

function proposedPath({ folder, roots }: KeyRing): string {
  return join(folder, `${roots.length + 1}.root.proposed.json`);
}

interface Change {
  readonly revoked: string | undefined;
  readonly created: { readonly id: string; readonly public: string; readonly isOnline: boolean } | undefined;
  readonly expires: string;
}

/** The `signed` part: the same roles with the same thresholds. Online keys are those of snapshot and timestamp. */
function nextRoot({ signed: root }: Metadata<Root>, { revoked, created, expires }: Change): Readonly<Record<string, unknown>> {
  const roles = Object.fromEntries(
    Object.entries(root.roles).map(([role, { keyIDs, threshold }]) => {
      const takesPart = created !== undefined && (role === "root" || role === "targets") !== created.isOnline;
      return [role, { keyids: [...keyIDs.filter((id) => id !== revoked), ...(takesPart ? [created.id] : [])], threshold }];
    }),
  );
  const used = new Set(Object.values(roles).flatMap(({ keyids }) => keyids));
  const known = {
    ...Object.fromEntries(Object.entries(root.keys).map(([id, key]) => [id, key.toJSON()])),
    ...(created === undefined ? {} : { [created.id]: publicPart(created.public) }),
  };
  return {
    _type: "root",
    spec_version: SPEC_VERSION,
    version: root.version + 1,
    expires,
    consistent_snapshot: true,
    keys: Object.fromEntries(Object.entries(known).filter(([id]) => used.has(id))),
    roles,
  };
}

function newKeyPath(folder: string, isOnline: boolean): string {
  const name = `${isOnline ? "online" : "offline"}-`;
  const numbers = readdirSync(folder).flatMap((each) => (each.startsWith(name) ? [Number.parseInt(each.slice(name.length), 10)] : []));
  return join(folder, `${name}${Math.max(0, ...numbers) + 1}.key`);
}

function named(root: Metadata<Root>, id: string, folder: string): string {
  const found = Object.keys(root.signed.keys).filter((each) => /^[0-9a-f]{8,64}$/.test(id) && each.startsWith(id));
  if (found.length === 1) return found[0]!;
  throw new AshlarError<TrustErrorCode>("E_KEYS_UNKNOWN", `${id} is ${found.length === 0 ? "no key" : "several keys"} of the newest root`, {
    hint: `at least the first 8 digits, as ashlar keys status ${folder} shows them`,
    details: { keys: Object.keys(root.signed.keys) },
  });
}
