/** What a tar archive holds, as values. */
import { AshlarError } from "#errors";
import type { ByteString } from "#formats/bytes.ts";

export type TarErrorCode =
  | "E_TAR_SYNTAX"
  | "E_TAR_TRUNCATED"
  | "E_TAR_PATH"
  | "E_TAR_LINK_TRAVERSAL"
  | "E_TAR_HARDLINK"
  | "E_TAR_PAX"
  | "E_TAR_TYPE_CHANGE"
  | "E_TAR_SPECIAL"
  | "E_TAR_LIMIT";

interface TarAttributes {
  /** Absolute, without a trailing slash; the archive's root is "/". */
  readonly path: ByteString;
  /** Permission bits with setuid, setgid, sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
}

export type TarEntry = TarAttributes &
  (
    | { readonly type: "file"; readonly content: Buffer }
    | { readonly type: "directory" | "fifo" }
    | { readonly type: "symlink"; readonly target: ByteString }
    /** Another name of the file at `target`, an absolute path that came before. */
    | { readonly type: "hardlink"; readonly target: ByteString }
    | { readonly type: "character" | "block"; readonly major: number; readonly minor: number }
  );

export const BLOCK = 512;

/** An error that names the entry, counted from 1, as the hostile ones often have no printable name. */
export function tarError(code: TarErrorCode, entry: number, what: string): AshlarError<TarErrorCode> {
  return new AshlarError(code, `tar entry #${entry}: ${what}`, { details: { entry } });
}
