/**
 * The size that an .xz file unfolds to, from the index before its footer (of all concatenated streams).
 * https://tukaani.org/xz/xz-file-format.txt (2.1.2 Stream Footer, 4 Index)
 */
import { AshlarError } from "#errors";

export type XzErrorCode = "E_XZ_SYNTAX";

const FOOTER = 12;
const HEADER = 12;
const HEADER_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/** Bytes of the decompressed content. @throws E_XZ_SYNTAX when a footer or index is not there (truncated, not xz) */
export function xzContentSize(content: Buffer): number {
  let total = 0;
  let end = content.length;
  while (end > 0) {
    while (end >= 4 && content.readUInt32LE(end - 4) === 0) end -= 4; // stream padding
    if (end < HEADER + FOOTER || content.toString("latin1", end - 2, end) !== "YZ") throw syntaxError("no xz footer at its end");
    const indexSize = (content.readUInt32LE(end - 8) + 1) * 4;
    const index = end - FOOTER - indexSize;
    if (index < HEADER || content[index] !== 0) throw syntaxError("no xz index before its footer");
    const { unpacked, packed } = readIndex(content, index + 1, end - FOOTER);
    total += unpacked;
    const start = index - packed - HEADER;
    if (start < 0 || !content.subarray(start, start + 6).equals(HEADER_MAGIC)) throw syntaxError("its index does not lead to its header");
    end = start;
  }
  return total;
}

function readIndex(content: Buffer, from: number, end: number): { unpacked: number; packed: number } {
  let at = from;
  const variable = (): number => {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      if (at >= end) throw syntaxError("its index is cut off");
      const byte = content[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw syntaxError("its index has a number that is too large");
  };
  let unpacked = 0;
  let packed = 0;
  for (let records = variable(); records > 0; records--) {
    packed += Math.ceil(variable() / 4) * 4;
    unpacked += variable();
  }
  return { unpacked, packed };
}

function syntaxError(what: string): AshlarError<XzErrorCode> {
  return new AshlarError("E_XZ_SYNTAX", `not a complete xz file: ${what}`);
}
