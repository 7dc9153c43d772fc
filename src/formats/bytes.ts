/**
 * Byte strings. File names, link targets and extended attributes on Linux are bytes, not text. They are held in
 * JavaScript strings with one character per byte (latin1), so that `<`, `===` and Map keys mean byte order and
 * byte equality (C `strcmp`), and are turned into bytes only at the edges.
 */

/** A string whose characters are all U+0000–U+00FF, one per byte. */
export type ByteString = string;

/** Bytes of a byte string. */
export function toBuffer(bytes: ByteString): Buffer {
  return Buffer.from(bytes, "latin1");
}

/** The byte string of a buffer; inverse of {@link toBuffer}. */
export function fromBuffer(buffer: Uint8Array): ByteString {
  return Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength).toString("latin1");
}

/** UTF-8 encodes ordinary text (from a configuration, say) into a byte string. */
export function fromText(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Decodes a byte string as UTF-8 for people to read; inverse of {@link fromText} on valid UTF-8. */
export function toText(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Orders byte strings as `strcmp` does; for `Array.prototype.sort`. */
export function compareBytes(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
