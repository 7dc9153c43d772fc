/**
 * What overlayfs must find in the image: attributes that lead from an external file to its object, whiteouts of the
 * described system in a form that survives being in a lower layer, and entries that hide the object folder.
 * Facts: https://docs.kernel.org/filesystems/overlayfs.html, sections "Data-only lower layers" and "fs-verity support".
 */
import type { ByteString } from "#formats/bytes.ts";

export const OVERLAY_PREFIX = "trusted.overlay.";
/** Overlayfs strips one `overlay.` when it reads, so a file can have attributes of overlayfs itself. */
export const OVERLAY_ESCAPE_PREFIX = "trusted.overlay.overlay.";

export const METACOPY = "trusted.overlay.metacopy";
export const REDIRECT = "trusted.overlay.redirect";
export const OPAQUE = "trusted.overlay.opaque";

/** On a whiteout, which is an empty regular file. */
export const WHITEOUT_XATTRS = ["trusted.overlay.overlay.whiteout", "user.overlay.whiteout"] as const;
/** On a directory that holds whiteouts. */
export const WHITEOUTS_XATTRS = ["trusted.overlay.overlay.whiteouts", "user.overlay.whiteouts"] as const;
/** On the same directory since version 1, with the value "x". */
export const WHITEOUTS_OPAQUE_XATTRS = ["trusted.overlay.overlay.opaque", "user.overlay.opaque"] as const;

/** `00`…`ff`: names of the folders of objects, which must not show through at the root. */
export const HIDDEN_NAMES: readonly ByteString[] = Array.from({ length: 256 }, (_, index) => index.toString(16).padStart(2, "0"));

/** Version 0, total length 36, no flags, digest algorithm 1 (SHA-256). */
export const METACOPY_HEADER = "\x00\x24\x00\x01";
export const METACOPY_LENGTH = 36;

/** The digest in a value of {@link METACOPY}, in 64 hex digits; undefined when the value is something else. */
export function digestOfMetacopy(value: ByteString): string | undefined {
  if (value.length !== METACOPY_LENGTH || !value.startsWith(METACOPY_HEADER)) return undefined;
  return Buffer.from(value.slice(METACOPY_HEADER.length), "latin1").toString("hex");
}
