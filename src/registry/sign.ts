/**
 * ed25519 keys and detached signatures (RFC 8032, https://www.rfc-editor.org/rfc/rfc8032).
 *
 * Public key, as in `updates.keys`:  `ashlar-key-1:<base64 of the 32 bytes>`
 * Private key file:                  PKCS#8 PEM, mode 0600
 * Signature file:                    one line per key, `ashlar-signature-1:<key id>:<base64 of the 64 bytes>`
 * Key id:                            first 16 hexadecimal digits of the sha256 of the 32 bytes
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { constants, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { AshlarError, hasErrno, messageOf } from "#errors";
import type { RegistryErrorCode } from "./errors.ts";

const KEY = /^ashlar-key-1:([A-Za-z0-9+/]{43}=)$/;
const SIGNATURE = /^ashlar-signature-1:([0-9a-f]{16}):([A-Za-z0-9+/]{86}==)$/;
/** An SPKI that holds an ed25519 key is this prefix and the 32 bytes (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURES_MAX = 64;

/** Largest signature file that is read, in bytes. */
export const SIGNATURE_FILE_MAX = 16 * 1024;

export interface CreatedKey {
  /** Text form, for `updates.keys`. */
  readonly publicKey: string;
  /** How signatures and messages name it. */
  readonly id: string;
}

/**
 * Makes a key pair and writes the private key to a new file that only its owner may read.
 * @throws E_KEY_EXISTS
 */
export function createKey(path: string): CreatedKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  mkdirSync(dirname(path), { recursive: true });
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeSync(fd, privateKey.export({ type: "pkcs8", format: "pem" }));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!hasErrno(error, "EEXIST")) throw error;
    throw new AshlarError<RegistryErrorCode>("E_KEY_EXISTS", `${path} exists; a key is never overwritten`, {
      cause: error,
      hint: "choose another path, or move the old key away once no machine trusts only it",
      details: { path },
    });
  }
  return { publicKey: renderKey(publicKey), id: keyId(renderKey(publicKey)) };
}

/** The public half of a private key file, in text form. @throws E_KEY_MALFORMED */
export function publicKeyOf(path: string): string {
  return renderKey(createPublicKey(readPrivateKey(path)));
}

/** The id of a public key in text form. @throws E_KEY_MALFORMED */
export function keyId(key: string): string {
  return hash("sha256", rawKey(key), "hex").slice(0, 16);
}

/** One signature line for `content`. @throws E_KEY_MALFORMED */
export function signContent(content: Buffer, keyPath: string): string {
  const key = readPrivateKey(keyPath);
  const id = keyId(renderKey(createPublicKey(key)));
  return `ashlar-signature-1:${id}:${sign(null, content, key).toString("base64")}\n`;
}

export type Verdict =
  | { readonly signed: true; readonly key: string }
  /** `wrong`: ids of trusted keys whose signature does not fit; `present`: ids of all keys that signed. */
  | { readonly signed: false; readonly wrong: readonly string[]; readonly present: readonly string[] };

/**
 * Looks for one good signature by a trusted key. Lines that are no signatures are not counted, and nothing is read from them.
 * @param trusted public keys in text form
 * @throws E_KEY_MALFORMED for a trusted key
 */
export function verifyContent(content: Buffer, signatures: string, trusted: readonly string[]): Verdict {
  const keys = new Map(trusted.map((key) => [keyId(key), key]));
  const wrong: string[] = [];
  const present: string[] = [];
  for (const line of signatures.split("\n").slice(0, SIGNATURES_MAX)) {
    const match = SIGNATURE.exec(line);
    if (match === null) continue;
    const [, id = "", signature = ""] = match;
    present.push(id);
    const key = keys.get(id);
    if (key === undefined) continue;
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, rawKey(key)]), format: "der", type: "spki" });
    if (verify(null, content, publicKey, Buffer.from(signature, "base64"))) return { signed: true, key: id };
    wrong.push(id);
  }
  return { signed: false, wrong, present };
}

function renderKey(key: KeyObject): string {
  return `ashlar-key-1:${key.export({ type: "spki", format: "der" }).subarray(SPKI_PREFIX.length).toString("base64")}`;
}

function rawKey(key: string): Buffer {
  const match = KEY.exec(key);
  if (match === null) throw malformedKey(JSON.stringify(key.slice(0, 80)), "it is not of the form ashlar-key-1:<base64>");
  return Buffer.from(match[1] ?? "", "base64");
}

function readPrivateKey(path: string): KeyObject {
  const pem = readFileSync(path, "utf8");
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw malformedKey(path, messageOf(cause), cause);
  }
  if (key.asymmetricKeyType !== "ed25519") throw malformedKey(path, `it is a key of the type ${key.asymmetricKeyType}`);
  return key;
}

function malformedKey(what: string, why: string, cause?: unknown): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_KEY_MALFORMED", `${what} is no ed25519 key: ${why}`, { cause, hint: "make a key: ashlar key create PATH" });
}
