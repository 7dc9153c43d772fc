/** A tree like that of a small server: 550 MB of /usr, in which large and small files are mixed as they are there. */
import { cpSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const LIMIT = 550e6;
/** In this order until the limit is reached; files above it are left out. */
const SOURCES = [
  "sbin",
  "bin",
  "lib/systemd",
  "lib/python3",
  "lib/python3.11",
  "lib/x86_64-linux-gnu",
  "share/doc",
  "share/perl",
  "share/locale",
];
const FILE_MAX = 8e6;

/** Copies the tree into `folder` and returns it. */
export function makeTree(folder: string): string {
  let bytes = 0;
  const copy = (name: string): void => {
    const from = join("/usr", name);
    const stats = lstatSync(from, { throwIfNoEntry: false });
    if (stats === undefined || bytes >= LIMIT) return;
    if (stats.isDirectory()) {
      mkdirSync(join(folder, name), { recursive: true });
      for (const entry of readdirSync(from).sort()) copy(join(name, entry));
    } else if (stats.isSymbolicLink()) {
      symlinkSync(readlinkSync(from), join(folder, name));
    } else if (stats.size <= FILE_MAX) {
      bytes += stats.size;
      cpSync(from, join(folder, name), { preserveTimestamps: true });
    }
  };
  for (const name of SOURCES) copy(name);
  return folder;
}
