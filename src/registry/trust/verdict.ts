/** What an error of tuf-js means. */
import { LengthOrHashMismatchError, UnsignedMetadataError, ValueError } from "@tufjs/models/dist/error.js";
import { BadVersionError, EqualVersionError, ExpiredMetadataError, RepositoryError } from "tuf-js/dist/error.js";
import { messageOf } from "#errors";
import type { TrustErrorCode } from "./errors.ts";
import type { Role } from "./layout.ts";
import { trustError } from "./metadata.ts";

/**
 * @param expired what there is to say about a time that has run out
 * @returns undefined when it is the version that is known already
 * @throws E_TRUST_*
 */
export function verifying<T>(role: Role, where: string, check: () => T, expired?: (about: Role) => string): T;
export function verifying<T>(role: Role, where: string, check: () => T, expired?: (about: Role) => string): T | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof EqualVersionError) return undefined;
    const code = codeOf(error, role);
    if (code === undefined) throw error;
    // An expired root comes to light with the timestamp that follows it.
    const about = /root\.json/.test(messageOf(error)) ? "root" : role;
    const what = code === "E_TRUST_EXPIRED" && expired !== undefined ? `${about} metadata ${expired(about)}` : messageOf(error);
    throw trustError(code, `${where}: ${what}`, where, error);
  }
}

function codeOf(error: unknown, role: Role): TrustErrorCode | undefined {
  if (error instanceof ExpiredMetadataError) return "E_TRUST_EXPIRED";
  if (error instanceof BadVersionError) {
    if (role === "root") return "E_TRUST_ROOT";
    // Versions that contradict each other within one look are a mixture; those below what was seen are old.
    return /match/.test(error.message) ? "E_TRUST_MISMATCH" : "E_TRUST_ROLLBACK";
  }
  if (error instanceof UnsignedMetadataError) return role === "root" ? "E_TRUST_ROOT" : "E_TRUST_UNSIGNED";
  if (error instanceof LengthOrHashMismatchError) return "E_TRUST_MISMATCH";
  // How the library says that a field is not what it should be, or nested too deep.
  if (error instanceof ValueError || error instanceof RepositoryError) return "E_TRUST_MALFORMED";
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError ? "E_TRUST_MALFORMED" : undefined;
}
