/** Paths in an archive: what may be there, and what they may not do to each other. */
import type { ByteString } from "#formats/bytes.ts";
import { tarError } from "./entry.ts";
import type { TarEntry } from "./entry.ts";

/** Linux: PATH_MAX and NAME_MAX. */
const PATH_MAX = 4096;
const NAME_MAX = 255;

/** "./usr/bin/" → "/usr/bin". @throws E_TAR_PATH for absolute paths, "..", NUL, too long ones and empty ones */
export function normalisePath(name: ByteString, entry: number): ByteString {
  const wrong = (what: string): Error => tarError("E_TAR_PATH", entry, `the path ${JSON.stringify(name.slice(0, 200))} ${what}`);
  if (name === "") throw wrong("is empty");
  if (name.startsWith("/")) throw wrong("is absolute");
  if (name.includes("\0")) throw wrong("contains a NUL");
  if (name.length >= PATH_MAX) throw wrong(`is ${name.length} bytes long, at most ${PATH_MAX - 1} are possible`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw wrong("leaves the archive by ..");
  const long = parts.find((part) => part.length > NAME_MAX);
  if (long !== undefined) throw wrong(`has a component of ${long.length} bytes, at most ${NAME_MAX} are possible`);
  return `/${parts.join("/")}`;
}

/** Holds what an archive has defined so far; nothing is ever resolved on the host's file system. */
export interface PathLedger {
  /** @throws E_TAR_LINK_TRAVERSAL, E_TAR_TYPE_CHANGE, E_TAR_HARDLINK */
  admit(entry: TarEntry, number: number): void;
}

export function createPathLedger(): PathLedger {
  const types = new Map<ByteString, TarEntry["type"]>();
  return {
    admit(entry, number) {
      for (let slash = entry.path.lastIndexOf("/"); slash > 0; slash = entry.path.lastIndexOf("/", slash - 1)) {
        const above = types.get(entry.path.slice(0, slash));
        if (above === "directory") break;
        if (above !== undefined)
          throw tarError("E_TAR_LINK_TRAVERSAL", number, `${entry.path} lies below ${entry.path.slice(0, slash)}, which is a ${above}`);
      }
      const before = types.get(entry.path);
      if (before !== undefined && !(before === "directory" && entry.type === "directory"))
        throw tarError("E_TAR_TYPE_CHANGE", number, `${entry.path} is a ${entry.type}, but the archive already has it as a ${before}`);
      if (entry.type === "hardlink" && types.get(entry.target) !== "file" && types.get(entry.target) !== "hardlink")
        throw tarError("E_TAR_HARDLINK", number, `${entry.path} is a hard link to ${entry.target}, which is no earlier file`);
      types.set(entry.path, entry.type);
    },
  };
}
