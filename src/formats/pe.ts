/**
 * Portable Executable: what UEFI firmware loads. Only as much as tells a file that it can load from one that it cannot.
 * https://learn.microsoft.com/en-us/windows/win32/debug/pe-format; UEFI 2.10, section 2.1.1 (images).
 */

/** The processor that an image is for, by the name that Node has for it. */
const MACHINES: Readonly<Record<string, number>> = { x64: 0x8664, arm64: 0xaa64, riscv64: 0x5064 };
const COFF_HEADER_SIZE = 20;
const SECTION_HEADER_SIZE = 40;
const PE32_PLUS = 0x20b;
const SUBSYSTEM_EFI_APPLICATION = 10;

/**
 * Why the UEFI firmware of a computer cannot load this file; undefined when it can.
 * @param processor as in `process.arch`
 */
export function efiObstacle(file: Buffer, processor: string): string | undefined {
  if (file.length < 64 || file.toString("latin1", 0, 2) !== "MZ") return "it does not begin with MZ";
  const signature = file.readUInt32LE(60);
  const coff = signature + 4;
  const optional = coff + COFF_HEADER_SIZE;
  if (optional + 72 > file.length || file.toString("latin1", signature, coff) !== "PE\0\0") return "it has no PE header";
  const machine = file.readUInt16LE(coff);
  if (machine !== MACHINES[processor]) return `it is for processor 0x${machine.toString(16)}, not for ${processor}`;
  if (file.readUInt16LE(optional) !== PE32_PLUS) return "it is no PE32+ image";
  if (file.readUInt16LE(optional + 68) !== SUBSYSTEM_EFI_APPLICATION) return "it is no EFI application";
  const sections = optional + file.readUInt16LE(coff + 16);
  const end = sections + file.readUInt16LE(coff + 2) * SECTION_HEADER_SIZE;
  if (end > file.length) return "it ends in its list of sections";
  for (let at = sections; at < end; at += SECTION_HEADER_SIZE)
    if (file.readUInt32LE(at + 16) + file.readUInt32LE(at + 20) > file.length)
      return `its section ${file.toString("latin1", at, at + 8).replace(/\0+$/, "")} ends behind its end: it is cut off`;
  return undefined;
}
