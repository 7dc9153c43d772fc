/** A file that UEFI firmware would load, with content of its own: what stands for a kernel where nothing is started. */
const MACHINES: Readonly<Record<string, number>> = { x64: 0x8664, arm64: 0xaa64, riscv64: 0x5064 };
const SIGNATURE = 64;
const COFF = SIGNATURE + 4;
const OPTIONAL = COFF + 20;
const OPTIONAL_SIZE = 112;
const SECTION = OPTIONAL + OPTIONAL_SIZE;
const HEADERS_SIZE = 512;

/** @param content becomes its only section */
export function tinyKernel(content: Buffer): Buffer {
  const headers = Buffer.alloc(HEADERS_SIZE);
  headers.write("MZ");
  headers.writeUInt32LE(SIGNATURE, 60);
  headers.write("PE\0\0", SIGNATURE, "latin1");
  headers.writeUInt16LE(MACHINES[process.arch] ?? 0, COFF);
  headers.writeUInt16LE(1, COFF + 2);
  headers.writeUInt16LE(OPTIONAL_SIZE, COFF + 16);
  headers.writeUInt16LE(0x20b, OPTIONAL);
  headers.writeUInt16LE(10, OPTIONAL + 68);
  headers.write(".text", SECTION);
  headers.writeUInt32LE(content.length, SECTION + 16);
  headers.writeUInt32LE(HEADERS_SIZE, SECTION + 20);
  return Buffer.concat([headers, content]);
}
