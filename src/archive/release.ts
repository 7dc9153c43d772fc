/**
 * InRelease: the signed table of contents of a suite. Nothing of it is believed before its signature is.
 * https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files
 */
import { messageOf } from "#errors";
import { fieldOf, parseDeb822 } from "#formats/deb822.ts";
import type { Paragraph } from "#formats/deb822.ts";
import { archiveError } from "./errors.ts";

export interface Release {
  readonly codename: string;
  readonly suite: string;
  /** ISO 8601. */
  readonly date: string;
  readonly validUntil: string | undefined;
  /** Path below dists/<suite>/ to what it must be. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly size: number }>;
}

/**
 * Verifies an InRelease against trusted keys and reads what was signed (never the text around it).
 * @param path for messages, "debian/dists/trixie/InRelease"
 * @throws E_ARCHIVE_SIGNATURE
 */
export async function verifyRelease(inRelease: Buffer, keys: readonly string[], path: string): Promise<Release> {
  // Loaded here because it takes 100 ms, and only a refresh needs it.
  const openpgp = await import("openpgp");
  const refuse = (what: string, cause?: unknown): Error =>
    archiveError("E_ARCHIVE_SIGNATURE", `${path} is not signed by Debian's archive keys: ${what}`, {
      hint: "use another mirror (ASHLAR_MIRROR); if all say the same, update Ashlar for newer archive keys",
      ...(cause === undefined ? {} : { cause }),
    });
  let signed;
  try {
    const verificationKeys = (await Promise.all(keys.map((armoredKeys) => openpgp.readKeys({ armoredKeys })))).flat();
    const message = await openpgp.readCleartextMessage({ cleartextMessage: inRelease.toString("utf8") });
    signed = await openpgp.verify({ message, verificationKeys, format: "utf8" });
  } catch (error) {
    throw refuse(messageOf(error), error);
  }
  const problems: string[] = [];
  for (const { verified, keyID } of signed.signatures) {
    try {
      await verified;
      return parseRelease(signed.data, path);
    } catch (error) {
      problems.push(`key ${keyID.toHex()}: ${messageOf(error)}`);
    }
  }
  throw refuse(problems.length === 0 ? "it has no signature" : problems.join("; "));
}

function parseRelease(text: string, path: string): Release {
  const [paragraph] = parseDeb822(text);
  const need = (name: string): string => {
    const value = paragraph === undefined ? undefined : fieldOf(paragraph, name);
    if (value === undefined) throw archiveError("E_ARCHIVE_MISMATCH", `${path} has no field ${name}`);
    return value;
  };
  const time = (value: string): string => {
    const parsed = Date.parse(value);
    if (Number.isNaN(parsed)) throw archiveError("E_ARCHIVE_MISMATCH", `${path} has the date "${value}"`);
    return new Date(parsed).toISOString();
  };
  const validUntil = paragraph === undefined ? undefined : fieldOf(paragraph, "Valid-Until");
  return {
    codename: need("Codename"),
    suite: fieldOf(paragraph as Paragraph, "Suite") ?? need("Codename"),
    date: time(need("Date")),
    validUntil: validUntil === undefined ? undefined : time(validUntil),
    files: parseFiles(need("SHA256")),
  };
}

function parseFiles(field: string): Release["files"] {
  const files = new Map<string, { sha256: string; size: number }>();
  for (const [, sha256 = "", size, path = ""] of field.matchAll(/^ *([0-9a-f]{64}) +([0-9]+) +(\S+)$/gm))
    files.set(path, { sha256, size: Number(size) });
  return files;
}
