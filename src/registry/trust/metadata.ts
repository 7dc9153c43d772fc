/** Metadata as untrusted bytes: limits before anything of it is interpreted, and one error for each thing that can be wrong. */
import { hash } from "node:crypto";
import type { Metadata } from "@tufjs/models";
import { AshlarError, messageOf } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { ShapeError } from "#formats/shape.ts";
import { METADATA_MAX } from "./layout.ts";
import type { Role } from "./layout.ts";
import type { TrustErrorCode } from "./errors.ts";

/** Of the TUF specification that is written; the library reads all of version 1. */
export const SPEC_VERSION = "1.0.31";
const SIGNATURES_MAX = 64;
const KEYS_MAX = 64;
/** RFC 3339 in UTC with whole seconds, as the specification wants it; other forms mean different things to different readers. */
const EXPIRES = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** What the library wants of JSON that was parsed. */
export type JsonObject = Parameters<typeof Metadata.fromJSON>[1];

export interface RawMetadata {
  readonly signed: Readonly<Record<string, unknown>> & { readonly version: number; readonly expires: string };
  readonly signatures: readonly unknown[];
}

/**
 * Checks what the library does not: size, whole versions, ids that are those of their keys.
 * @throws E_TRUST_SIZE, E_TRUST_MALFORMED
 */
export function readRaw(bytes: Buffer, role: Role, where: string): RawMetadata {
  if (bytes.length > METADATA_MAX[role])
    throw trustError("E_TRUST_SIZE", `${where} has more than the ${METADATA_MAX[role]} bytes that it may have`, where);
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    const signed = isRecord(value) ? value["signed"] : undefined;
    const signatures = isRecord(value) ? value["signatures"] : undefined;
    if (!isRecord(signed) || !Array.isArray(signatures)) throw new ShapeError("expected `signed` and `signatures`");
    if (signatures.length > SIGNATURES_MAX) throw new ShapeError(`${signatures.length} signatures`);
    const { version, expires, _type: type } = signed;
    if (type !== role) throw new ShapeError(`expected ${role}, got ${JSON.stringify(type)?.slice(0, 40)}`);
    if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1)
      throw new ShapeError("version is no whole number from 1");
    if (typeof expires !== "string" || !EXPIRES.test(expires)) throw new ShapeError("expires is no time like 2027-01-31T00:00:00Z");
    if (role === "root") checkKeys(signed);
    return { signed: { ...signed, version, expires }, signatures };
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError || error instanceof RangeError)) throw error;
    throw trustError("E_TRUST_MALFORMED", `${where} is no ${role} metadata: ${messageOf(error)}`, where, error);
  }
}

/** A key under two ids would count twice (specification §4.2: the id is the digest of the key). */
function checkKeys({ keys, roles }: Readonly<Record<string, unknown>>): void {
  if (!isRecord(keys) || !isRecord(roles)) throw new ShapeError("keys and roles are missing");
  if (Object.keys(keys).length > KEYS_MAX) throw new ShapeError(`${Object.keys(keys).length} keys`);
  for (const [id, key] of Object.entries(keys)) {
    if (!isRecord(key) || !isRecord(key["keyval"])) throw new ShapeError(`key ${id.slice(0, 16)} is none`);
    if (key["keytype"] !== "ed25519" || key["scheme"] !== "ed25519")
      throw new ShapeError(`key ${id.slice(0, 16)} is not of the type ed25519`);
    const text = key["keyval"]["public"];
    if (typeof text !== "string" || !/^[0-9a-f]{64}$/.test(text)) throw new ShapeError(`key ${id.slice(0, 16)} is not 32 bytes`);
    if (keyIdOf(text) !== id) throw new ShapeError(`key ${id.slice(0, 16)} is not the one that its id says`);
  }
  for (const [name, role] of Object.entries(roles)) {
    const threshold = isRecord(role) ? role["threshold"] : undefined;
    if (!Number.isSafeInteger(threshold)) throw new ShapeError(`the threshold of ${name} is no whole number`);
  }
}

/** Whole seconds, as the specification wants it. */
export function expiry(now: number, days: number): string {
  return new Date((now + days * 86_400) * 1000).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** A key as roots have it. @param text the 32 bytes of an ed25519 public key, in hexadecimal */
export function publicPart(text: string): Record<string, unknown> {
  return { keytype: "ed25519", scheme: "ed25519", keyval: { public: text } };
}

/** @param text the 32 bytes of an ed25519 public key, in hexadecimal */
export function keyIdOf(text: string): string {
  return hash("sha256", canonicalJson(publicPart(text)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const HINTS: Partial<Record<TrustErrorCode, string>> = {
  E_TRUST_NO_ROOT: "put `updates.root` into the config (ashlar keys init DIR), or, knowing what it means, --unsafe-unsigned",
  E_TRUST_UNSIGNED: "publish it with keys that this machine's root names: ashlar keys status DIR",
  E_TRUST_EXPIRED: "renew it on the build host: ashlar keys renew KEYS PLACE; or set the machine's clock: timedatectl",
  E_TRUST_ROLLBACK: "somebody serves an old state, or a mirror is behind: copy the folder again from where it is published",
  E_TRUST_CLOCK: "set the clock: timedatectl set-time, or wait for systemd-timesyncd",
};

/** @param where file or address, for scripts */
export function trustError(code: TrustErrorCode, message: string, where: string, cause?: unknown): AshlarError<TrustErrorCode> {
  const hint = HINTS[code] ?? "publish again with `ashlar publish`, or check who can write to the source";
  return new AshlarError(code, message, {
    hint: `${hint}; the machine is unchanged`,
    details: { address: where },
    ...(cause === undefined ? {} : { cause }),
  });
}
