/**
 * Headers of a tar stream (POSIX ustar) for names and targets of at most 100 bytes; root owns everything.
 * Specification: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html, "ustar Interchange Format".
 */
import { AshlarError } from "#errors";

export type UstarErrorCode = "E_USTAR_NAME" | "E_USTAR_SIZE";

export interface UstarEntry {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Bytes that follow the header, padded to {@link USTAR_BLOCK}; 0 unless a file. */
  readonly size?: number;
  readonly target?: string;
}

export const USTAR_BLOCK = 512;
/** Two zero blocks end a stream. */
export const USTAR_END = Buffer.alloc(2 * USTAR_BLOCK);

const NAME_MAX = 100;
const SIZE_MAX = 0o77777777777;
const TYPE_FLAG = { file: "0", directory: "5", symlink: "2" } as const;

/** @throws E_USTAR_NAME, E_USTAR_SIZE when a field has no room for its value */
export function ustarHeader(entry: UstarEntry): Buffer {
  const { path, target = "", size = 0 } = entry;
  for (const name of [path, target])
    if (Buffer.byteLength(name) > NAME_MAX)
      throw new AshlarError<UstarErrorCode>("E_USTAR_NAME", `a tar header has no room for the name ${name}: over ${NAME_MAX} bytes`);
  if (size > SIZE_MAX)
    throw new AshlarError<UstarErrorCode>("E_USTAR_SIZE", `a tar header has no room for the size of ${path}: ${size} bytes`);
  const header = Buffer.alloc(USTAR_BLOCK);
  header.write(path, 0);
  writeOctal(header, { at: 100, digits: 7, value: entry.mode });
  writeOctal(header, { at: 108, digits: 7, value: 0 });
  writeOctal(header, { at: 116, digits: 7, value: 0 });
  writeOctal(header, { at: 124, digits: 11, value: size });
  writeOctal(header, { at: 136, digits: 11, value: entry.mtime });
  header.write(TYPE_FLAG[entry.kind], 156);
  header.write(target, 157);
  header.write("ustar\u000000", 257);
  // The checksum is the sum of all bytes while its own field holds spaces.
  header.fill(0x20, 148, 156);
  writeOctal(header, { at: 148, digits: 6, value: header.reduce((sum, byte) => sum + byte, 0) });
  header[154] = 0;
  return header;
}

/** Zeros after `size` bytes of content up to the next header. */
export function ustarPadding(size: number): Buffer {
  return Buffer.alloc((USTAR_BLOCK - (size % USTAR_BLOCK)) % USTAR_BLOCK);
}

function writeOctal(header: Buffer, field: { at: number; digits: number; value: number }): void {
  header.write(field.value.toString(8).padStart(field.digits, "0"), field.at);
}
