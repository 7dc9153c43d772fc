/** The keys that sign Debian's archives, as shipped in `keys/` (from Debian's debian-archive-keyring package). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Armored OpenPGP public keys. */
export function debianArchiveKeys(): string[] {
  const folder = join(import.meta.dirname, "keys");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".asc"))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));
}
