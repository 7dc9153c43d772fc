/**
 * Headers of a GNU tar stream, for names and targets of at most 100 bytes; root owns everything. Files may have holes.
 * Specification: https://www.gnu.org/software/tar/manual/html_node/Standard.html, "GNU extensions" (`struct posix_header`,
 * `struct oldgnu_header`, `struct sparse`).
 */
import { AshlarError } from "#errors";

export type GnuTarErrorCode = "E_GNUTAR_NAME" | "E_GNUTAR_SIZE";

/** A piece of a file that is in the stream; pieces ascend, and all but the last are whole {@link TAR_BLOCK}s. */
export interface TarRegion {
  readonly offset: number;
  readonly size: number;
}

export interface TarHeader {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Bytes of a file. They follow the header, padded to {@link TAR_BLOCK}. */
  readonly size?: number;
  /** At most four: only these follow, and what lies between them is zeros. The last one ends the file. */
  readonly regions?: readonly TarRegion[];
  readonly target?: string;
}

export const TAR_BLOCK = 512;
/** Two zero blocks end a stream. */
export const TAR_END = Buffer.alloc(2 * TAR_BLOCK);

const NAME_MAX = 100;
const SIZE_MAX = 0o77777777777;
const TYPE_FLAG = { file: "0", directory: "5", symlink: "2" } as const;
const MAGIC_GNU = "ustar  \0";

/** @throws E_GNUTAR_NAME, E_GNUTAR_SIZE when a field has no room for its value */
export function tarHeader(entry: TarHeader): Buffer {
  const { path, target = "", size = 0, regions } = entry;
  for (const name of [path, target])
    if (Buffer.byteLength(name) > NAME_MAX)
      throw new AshlarError<GnuTarErrorCode>("E_GNUTAR_NAME", `a tar header has no room for the name ${name}: over ${NAME_MAX} bytes`);
  if (size > SIZE_MAX)
    throw new AshlarError<GnuTarErrorCode>("E_GNUTAR_SIZE", `a tar header has no room for the size of ${path}: ${size} bytes`);
  const header = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, at: number, digits: number): number => header.write(value.toString(8).padStart(digits, "0"), at);
  header.write(path, 0);
  octal(entry.mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(regions === undefined ? size : regions.reduce((sum, region) => sum + region.size, 0), 124, 11);
  octal(entry.mtime, 136, 11);
  header.write(regions === undefined ? TYPE_FLAG[entry.kind] : "S", 156);
  header.write(target, 157);
  header.write(MAGIC_GNU, 257);
  regions?.forEach((region, index) => {
    octal(region.offset, 386 + index * 24, 11);
    octal(region.size, 398 + index * 24, 11);
  });
  if (regions !== undefined) octal(size, 483, 11);
  // The checksum is the sum of all bytes while its own field holds spaces.
  header.fill(0x20, 148, 156);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  header[154] = 0;
  return header;
}

/** Zeros after `size` bytes of content up to the next header. */
export function tarPadding(size: number): Buffer {
  return TAR_END.subarray(0, (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}
