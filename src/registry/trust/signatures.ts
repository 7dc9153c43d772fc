/** Signing: with every key of a role that is here, at once or in turns with people who have the others. */
import { Metadata } from "@tufjs/models";
import type { MetadataKind, Root } from "@tufjs/models";
import { UnsignedMetadataError } from "@tufjs/models/dist/error.js";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import type { TrustErrorCode } from "./errors.ts";
import { signerOf } from "./key-file.ts";
import type { KeyFile } from "./key-file.ts";
import type { Role } from "./layout.ts";
import { readRaw } from "./metadata.ts";
import type { JsonObject } from "./metadata.ts";
import { keysOf } from "./ring.ts";
import type { KeyRing } from "./ring.ts";
import { verifying } from "./verdict.ts";

/** Who signs; the keys of nobody make metadata that only `--unsafe-unsigned` takes. */
export type Signing = KeyRing | "unsafe-unsigned";

export interface SignRequest {
  readonly role: Role;
  /** The `signed` part. Its text is ASCII without control characters, for which all canonical forms of JSON are one. */
  readonly signed: Readonly<Record<string, unknown>>;
  /** Roots whose thresholds have to be met; the ring's own when absent. */
  readonly under?: readonly Metadata<Root>[];
}

/** How many good signatures by keys that count there are, and have to be. */
export interface Signatures {
  readonly have: number;
  readonly need: number;
}

export interface SignedSoFar extends Signatures {
  readonly bytes: Buffer;
}

/**
 * Metadata, signed with every key of its role that is here.
 * @throws E_KEYS_MISSING, E_KEYS_PASSPHRASE
 */
export function signMetadata(ring: KeyRing, request: SignRequest): Buffer {
  const lacking = (request.under ?? [ring.root]).find((root) => !canSign(ring, request.role, root));
  if (lacking !== undefined) throw missing(ring, request.role, lacking);
  return signInTurn(ring, request).bytes;
}

/**
 * The same where others have signed, or will.
 * @param earlier metadata with their signatures; those that are not good, or of keys that do not count, are left out
 * @throws E_KEYS_MISSING when no key of the role is here; E_KEYS_PASSPHRASE, E_TRUST_MALFORMED
 */
export function signInTurn(ring: KeyRing, request: SignRequest, earlier?: Buffer): SignedSoFar {
  const { role, signed, under = [ring.root] } = request;
  const present = under.flatMap((root) => keysOf(ring, role, root));
  if (present.length === 0) throw missing(ring, role, under[0]!);
  const content = Buffer.from(canonicalJson(signed));
  const good = earlier === undefined ? new Map<string, string>() : goodSignatures(earlier, role, under);
  for (const { file, path } of present) good.set(file.keyid, signerOnce(file, path, ring.passphrase)(content).toString("hex"));
  return {
    bytes: renderMetadata(
      signed,
      [...good].map(([keyid, sig]) => ({ keyid, sig })),
    ),
    ...countOf(good, role, under),
  };
}

/** Whether so many of a role's keys are here as have to sign. */
export function canSign(ring: KeyRing, role: Role, root: Metadata<Root> = ring.root): boolean {
  return keysOf(ring, role, root).length >= needed(root, role);
}

/** What is signed by now. @throws E_TRUST_MALFORMED */
export function signaturesOn(bytes: Buffer, role: Role, under: readonly Metadata<Root>[]): Signatures {
  return countOf(goodSignatures(bytes, role, under), role, under);
}

export function isComplete({ have, need }: Signatures): boolean {
  return have >= need;
}

/** Of the root that lacks most. */
function countOf(good: ReadonlyMap<string, string>, role: Role, under: readonly Metadata<Root>[]): Signatures {
  const counts = under.map((root) => ({
    have: root.signed.roles[role]?.keyIDs.filter((id) => good.has(id)).length ?? 0,
    need: needed(root, role),
  }));
  return counts.toSorted((a, b) => a.have - a.need - (b.have - b.need))[0] ?? { have: 0, need: 1 };
}

/** By the ids of their keys. */
function goodSignatures(bytes: Buffer, role: Role, under: readonly Metadata<Root>[]): Map<string, string> {
  readRaw(bytes, role, role);
  const metadata = verifying(role, role, () =>
    // The library's kinds are the names of the roles.
    Metadata.fromJSON(role as unknown as MetadataKind.Root, JSON.parse(bytes.toString("utf8")) as JsonObject),
  );
  const good = new Map<string, string>();
  for (const { signed } of under)
    for (const id of signed.roles[role]?.keyIDs ?? [])
      try {
        signed.keys[id]!.verifySignature(metadata);
        good.set(id, metadata.signatures[id]!.sig);
      } catch (error) {
        // Not signed by this one, or badly: it does not count.
        if (!(error instanceof UnsignedMetadataError)) throw error;
      }
  return good;
}

type Signer = ReturnType<typeof signerOf>;

/** Deriving a key from a passphrase takes half a second on purpose; a command signs several times. */
const opened = new WeakMap<KeyFile, Signer>();

function signerOnce(file: KeyFile, path: string, passphrase: () => string): Signer {
  const signer = opened.get(file) ?? signerOf(file, path, passphrase);
  opened.set(file, signer);
  return signer;
}

/** @param signatures none for what only `--unsafe-unsigned` takes */
export function renderMetadata(
  signed: Readonly<Record<string, unknown>>,
  signatures: readonly { keyid: string; sig: string }[] = [],
): Buffer {
  return Buffer.from(canonicalJson({ signatures, signed }));
}

function needed(root: Metadata<Root>, role: Role): number {
  return root.signed.roles[role]?.threshold ?? 1;
}

function missing(ring: KeyRing, role: Role, root: Metadata<Root>): AshlarError<TrustErrorCode> {
  const present = keysOf(ring, role, root);
  const lacking = (root.signed.roles[role]?.keyIDs ?? [])
    .filter((id) => !present.some(({ file }) => file.keyid === id))
    .map((id) => id.slice(0, 16));
  const threshold = needed(root, role);
  return new AshlarError(
    "E_KEYS_MISSING",
    `${role} metadata needs signatures of ${threshold} keys, and ${ring.folder} has ${present.length} of them`,
    { hint: `put the key file of ${lacking.join(" or ")} there; nothing was signed`, details: { role, threshold, lacking } },
  );
}
