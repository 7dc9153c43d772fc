import { AshlarError } from "#errors";

/** INPUT: entries that no image can hold. DAMAGED: bytes that are not an image. LIMIT: an image larger than is read. */
export type ErofsErrorCode = "E_EROFS_INPUT" | "E_EROFS_DAMAGED" | "E_EROFS_LIMIT";

/** An entry that cannot be written, with its path. */
export function inputError(path: string, what: string): AshlarError<ErofsErrorCode> {
  return new AshlarError<ErofsErrorCode>("E_EROFS_INPUT", `${path}: ${what}`, {
    hint: "change or exclude the file, and build again",
    details: { path },
  });
}

/** Bytes that are not a composefs image, with the position of what is wrong. */
export function damaged(position: number, what: string): AshlarError<ErofsErrorCode> {
  return new AshlarError<ErofsErrorCode>("E_EROFS_DAMAGED", `not a sound image: ${what} at byte ${position}`, {
    hint: "fetch the image again, or check the store with `ashlar fsck`",
    details: { position },
  });
}
