/** Which package brings a file: dpkg's lists of an image, `info/NAME.list` or `info/NAME:ARCHITECTURE.list` (dpkg(1)). */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * @param info folder of the lists
 * @param paths to look for; merged /usr counts: `/lib/x` in a list is `/usr/lib/x`
 * @returns path to package name, for those that a package brings
 */
export function packagesOf(info: string, paths: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  if (paths.size === 0) return found;
  for (const file of readdirSync(info).sort()) {
    if (!file.endsWith(".list")) continue;
    const text = readFileSync(join(info, file), "utf8");
    const name = file.slice(0, -".list".length).replace(/:.*$/, "");
    for (const path of paths) if (!found.has(path) && isListed(text, path)) found.set(path, name);
  }
  return found;
}

function isListed(text: string, path: string): boolean {
  return [path, path.replace(/^\/usr(?=\/(bin|sbin|lib)\/)/, "")].some(
    (line) => text.startsWith(`${line}\n`) || text.includes(`\n${line}\n`),
  );
}
