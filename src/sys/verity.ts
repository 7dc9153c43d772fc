/**
 * fs-verity on open files: the kernel builds the Merkle tree, makes the content immutable, and from then on a changed
 * block is a read error. https://docs.kernel.org/filesystems/fsverity.html, section "User API".
 */
import { AshlarError } from "#errors";
import { errnoName, lastErrno, native, systemError } from "./libc.ts";

export type VeritySysErrorCode =
  /** The file system or the kernel has no fs-verity (or ext4 lacks the `verity` feature). */
  | "E_VERITY_UNSUPPORTED"
  /** Somebody has the file open for writing. */
  | "E_VERITY_WRITER"
  /** The kernel refused for another reason: no space for the Merkle tree, an I/O error, …; see `cause`. */
  | "E_VERITY_FAILED";

// #define FS_IOC_ENABLE_VERITY   _IOW('f', 133, struct fsverity_enable_arg)
const FS_IOC_ENABLE_VERITY = 0x40806685;
// #define FS_IOC_MEASURE_VERITY  _IOWR('f', 134, struct fsverity_digest)
const FS_IOC_MEASURE_VERITY = 0xc0046686;
const FS_VERITY_HASH_ALG_SHA256 = 1;
const BLOCK_SIZE = 4096;
const SHA256_SIZE = 32;
/** The largest digest that any algorithm of the kernel makes (SHA-512). */
const DIGEST_MAX = 64;

const ioctl = native("int ioctl(int fd, unsigned long request, void *argument)");

/**
 * Turns verity on with SHA-256, 4096-byte blocks, no salt: the parameters of object names.
 * @param fd open read-only; no other descriptor may be open for writing
 * @param path for messages
 * @returns false when it was on already
 * @throws E_VERITY_UNSUPPORTED, E_VERITY_WRITER, E_VERITY_FAILED
 */
export function enableVerity(fd: number, path: string): boolean {
  // struct fsverity_enable_arg { u32 version, hash_algorithm, block_size, salt_size; u64 salt_ptr; u32 sig_size, reserved; u64 sig_ptr, reserved[11]; }
  const argument = Buffer.alloc(128);
  argument.writeUInt32LE(1, 0);
  argument.writeUInt32LE(FS_VERITY_HASH_ALG_SHA256, 4);
  argument.writeUInt32LE(BLOCK_SIZE, 8);
  if (ioctl(fd, FS_IOC_ENABLE_VERITY, argument) === 0) return true;
  const errno = lastErrno();
  if (errnoName(errno) === "EEXIST") return false;
  throw verityError("FS_IOC_ENABLE_VERITY", errno, path);
}

/**
 * The digest that the kernel vouches for, 64 hex digits, or undefined when verity is not on (or another algorithm is).
 * @throws E_VERITY_UNSUPPORTED, E_VERITY_FAILED
 */
export function measureVerity(fd: number, path: string): string | undefined {
  // struct fsverity_digest { u16 digest_algorithm, digest_size /* in: room, out: size */; u8 digest[]; }
  const argument = Buffer.alloc(4 + DIGEST_MAX);
  argument.writeUInt16LE(DIGEST_MAX, 2);
  if (ioctl(fd, FS_IOC_MEASURE_VERITY, argument) !== 0) {
    const errno = lastErrno();
    if (errnoName(errno) === "ENODATA") return undefined;
    throw verityError("FS_IOC_MEASURE_VERITY", errno, path);
  }
  if (argument.readUInt16LE(0) !== FS_VERITY_HASH_ALG_SHA256) return undefined;
  return argument.subarray(4, 4 + SHA256_SIZE).toString("hex");
}

function verityError(request: string, errno: number, path: string): AshlarError<VeritySysErrorCode> {
  const cause = systemError(request, errno, path);
  switch (errnoName(errno)) {
    case "ENOTTY":
    case "EOPNOTSUPP":
    case "ENOTSUP":
      return new AshlarError("E_VERITY_UNSUPPORTED", `${path}: this file system has no fs-verity`, {
        cause,
        hint: "on ext4 run `tune2fs -O verity DEVICE`; the kernel needs CONFIG_FS_VERITY",
        details: { path },
      });
    case "ETXTBSY":
      return new AshlarError("E_VERITY_WRITER", `${path} is open for writing, so that fs-verity cannot be turned on`, {
        cause,
        hint: "end the program that writes to the file (`fuser -v FILE` names it) and run the command again",
        details: { path },
      });
    default:
      return new AshlarError("E_VERITY_FAILED", `${path}: fs-verity failed: ${cause.message}`, {
        cause,
        hint: "check the kernel's messages (`dmesg`) and the free space (`df`)",
        details: { path },
      });
  }
}
