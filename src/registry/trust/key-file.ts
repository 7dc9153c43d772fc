/**
 * A private key as a file of its own, encrypted unless a person chose otherwise. JSON, mode 0600:
 *
 *   format, version   "ashlar-key", 1
 *   keyid, public     as in root metadata
 *   kdf               {name: "scrypt", n, r, p, salt}           absent in a plain file
 *   cipher            {name: "aes-256-gcm", iv, tag}            absent in a plain file
 *   private           PKCS#8 DER (RFC 8410), encrypted, in base64
 */
import { createCipheriv, createDecipheriv, createPrivateKey, generateKeyPairSync, randomBytes, scryptSync, sign } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { AshlarError, messageOf } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { ShapeError, integer, literal, optional, record, string } from "#formats/shape.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { TrustErrorCode } from "./errors.ts";
import { keyIdOf } from "./metadata.ts";

const FILE_MAX = 16 * 1024;
/** 128 MiB and about half a second for each guess (RFC 7914 §2; OWASP's choice for files). */
const SCRYPT = { n: 2 ** 17, r: 8, p: 1 };
const SCRYPT_MEMORY = 256 * 1024 * 1024;
/** An SPKI that holds an ed25519 key is 12 bytes and the key (RFC 8410 §4). */
const SPKI_HEAD = 12;

const hex = (bytes: number) => string(bytes * 2, new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const fileShape = record({
  format: literal("ashlar-key"),
  version: literal(1),
  keyid: hex(32),
  public: hex(32),
  kdf: optional(record({ name: literal("scrypt"), n: integer(2, 2 ** 20), r: integer(1, 32), p: integer(1, 16), salt: hex(16) })),
  cipher: optional(record({ name: literal("aes-256-gcm"), iv: hex(12), tag: hex(16) })),
  private: string(1024, /^[A-Za-z0-9+/]+={0,2}$/),
});

export type KeyFile = ReturnType<typeof fileShape>;

/** Makes an ed25519 key (RFC 8032). @param passphrase undefined writes it as it is */
export function createKeyFile(path: string, passphrase: string | undefined): KeyFile {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const text = publicKey.export({ type: "spki", format: "der" }).subarray(SPKI_HEAD).toString("hex");
  const head = { format: "ashlar-key", version: 1, keyid: keyIdOf(text), public: text } as const;
  const content = privateKey.export({ type: "pkcs8", format: "der" });
  const file: KeyFile =
    passphrase === undefined
      ? { ...head, private: content.toString("base64") }
      : { ...head, ...encrypted(content, passphrase, head.keyid) };
  writeFileAtomic(path, `${canonicalJson(file)}\n`, { mode: 0o600 });
  return file;
}

/** @throws E_KEYS_FOLDER */
export function readKeyFile(path: string): KeyFile {
  try {
    if (statSync(path).size > FILE_MAX) throw new ShapeError(`it has more than ${FILE_MAX} bytes`);
    const file = fileShape(JSON.parse(readFileSync(path, "utf8")), "");
    if (keyIdOf(file.public) !== file.keyid) throw new ShapeError("its id is not that of its key");
    if ((file.kdf === undefined) !== (file.cipher === undefined)) throw new ShapeError("kdf and cipher belong together");
    return file;
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError)) throw error;
    throw new AshlarError<TrustErrorCode>("E_KEYS_FOLDER", `${path} is no key that this Ashlar can read: ${messageOf(error)}`, {
      cause: error,
      hint: "restore it from its copy; ashlar keys status says which keys are here",
      details: { path },
    });
  }
}

/** Signs with the key in a file. @throws E_KEYS_PASSPHRASE */
export function signerOf(file: KeyFile, path: string, passphrase: () => string): (content: Buffer) => Buffer {
  const der = file.kdf === undefined ? Buffer.from(file.private, "base64") : decrypted(file, path, passphrase());
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return (content) => sign(null, content, key);
}

function encrypted(content: Buffer, passphrase: string, keyid: string): Pick<KeyFile, "kdf" | "cipher" | "private"> {
  const [salt, iv] = [randomBytes(16), randomBytes(12)];
  const kdf = { name: "scrypt", ...SCRYPT, salt: salt.toString("hex") } as const;
  const cipher = createCipheriv("aes-256-gcm", derive(kdf, passphrase), iv).setAAD(Buffer.from(keyid, "hex"));
  const text = Buffer.concat([cipher.update(content), cipher.final()]);
  return {
    kdf,
    cipher: { name: "aes-256-gcm", iv: iv.toString("hex"), tag: cipher.getAuthTag().toString("hex") },
    private: text.toString("base64"),
  };
}

function decrypted({ kdf, cipher, private: text, keyid }: KeyFile, path: string, passphrase: string): Buffer {
  if (kdf === undefined || cipher === undefined) throw new RangeError("a plain key is not decrypted");
  const decipher = createDecipheriv("aes-256-gcm", derive(kdf, passphrase), Buffer.from(cipher.iv, "hex"))
    .setAAD(Buffer.from(keyid, "hex"))
    .setAuthTag(Buffer.from(cipher.tag, "hex"));
  try {
    return Buffer.concat([decipher.update(Buffer.from(text, "base64")), decipher.final()]);
  } catch {
    // The library's words for it say nothing, and a cause could hold bytes of the key.
    throw new AshlarError<TrustErrorCode>("E_KEYS_PASSPHRASE", `the passphrase does not open ${path}`, {
      hint: "give it by ASHLAR_KEY_PASSPHRASE, ASHLAR_KEY_PASSPHRASE_FILE or at the prompt; nothing was signed",
      details: { path },
    });
  }
}

function derive({ n, r, p, salt }: NonNullable<KeyFile["kdf"]>, passphrase: string): Buffer {
  return scryptSync(passphrase.normalize("NFC"), Buffer.from(salt, "hex"), 32, { N: n, r, p, maxmem: SCRYPT_MEMORY });
}
