/**
 * Takes debug information and symbol tables off a program: whatever lies behind the last byte that is ever loaded, with the
 * section table that describes it. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html: only segments
 * matter at run time. Needs no tools, so the result depends on the input alone.
 */

const PT_LOAD = 1;
const HEADER_SIZE = 64;

/** The program without what is not loaded; the same bytes when it is no 64-bit little-endian ELF file or has nothing to take off. */
export function stripElf(content: Buffer): Buffer {
  if (content.length < HEADER_SIZE || content.readUInt32BE(0) !== 0x7f454c46 || content[4] !== 2 || content[5] !== 1) return content;
  const start = Number(content.readBigUInt64LE(32));
  const size = content.readUInt16LE(54);
  const count = content.readUInt16LE(56);
  const loads = Array.from({ length: count }, (_, index) => start + index * size).filter((at) => content.readUInt32LE(at) === PT_LOAD);
  const end = Math.max(
    start + size * count,
    ...loads.map((at) => Number(content.readBigUInt64LE(at + 8) + content.readBigUInt64LE(at + 32))),
  );
  if (loads.length === 0 || end >= content.length) return content;
  const stripped = Buffer.from(content.subarray(0, end));
  // e_shoff, e_shnum, e_shstrndx: there are no sections any more.
  stripped.writeBigUInt64LE(0n, 40);
  stripped.writeUInt16LE(0, 60);
  stripped.writeUInt16LE(0, 62);
  return stripped;
}
