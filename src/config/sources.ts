/** Local files that a config puts into the image: found, read once for their digest, and named without any path of this host. */
import { createHash, hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { hasErrno } from "#errors";
import { fourDigits } from "./complete.ts";
import type { Problem } from "./errors.ts";
import type { FileInput } from "./input.ts";
import { isWithin } from "./paths.ts";
import type { ConfigFile } from "./project.ts";
import type { FileSpec } from "./system.ts";

export interface ReadFiles {
  readonly files: Readonly<Record<string, FileSpec>>;
  /** sha256 to the absolute path of a local source. */
  readonly sources: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/**
 * Completes `files`; a source that is a folder becomes one file for each regular file in it.
 * @param instead contents that count instead of those of files, by absolute path
 */
export function readFiles(
  input: Readonly<Record<string, FileInput>>,
  config: ConfigFile,
  instead: ReadonlyMap<string, Buffer> = new Map(),
): ReadFiles {
  const files = new Map<string, FileSpec>();
  const sources = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [path, file] of Object.entries(input)) {
    const rest = { mode: fourDigits(file.mode ?? "0644"), owner: file.owner ?? "root", group: file.group ?? "root" };
    if ((file.text === undefined) === (file.source === undefined)) {
      const found = file.text === undefined ? "neither" : "both";
      problems.push({ path: ["files", path], message: `expected either \`text\` or \`source\`, found ${found}` });
    } else if (file.text !== undefined) files.set(path, { text: file.text, ...rest });
    else {
      const found = findSource(file.source ?? "", config, instead);
      if ("wrong" in found) problems.push({ path: ["files", path, "source"], message: found.wrong, found: file.source });
      else
        for (const { below, local } of found.files) {
          const tried = instead.get(local);
          const sha256 = tried === undefined ? digestOfFile(local) : hash("sha256", tried);
          sources.set(sha256, local);
          files.set(`${path}${below}`, { source: relative(config.folder, local), sha256, ...rest });
        }
    }
  }
  return { files: Object.fromEntries(files), sources, problems };
}

type Found = { readonly files: readonly { readonly below: string; readonly local: string }[] } | { readonly wrong: string };

function findSource(source: string, config: ConfigFile, instead: ReadonlyMap<string, Buffer>): Found {
  const written = isAbsolute(source) ? source : resolve(config.folder, source);
  // It need not be there yet.
  if (instead.has(written)) return { files: [{ below: "", local: written }] };
  const shown = JSON.stringify(source);
  try {
    const local = realpathSync(written);
    if (!isWithin(local, config.project)) return { wrong: `expected a file below ${config.project}, found ${shown}` };
    const stat = statSync(local);
    if (stat.isFile()) return { files: [{ below: "", local }] };
    if (!stat.isDirectory()) return { wrong: `expected a regular file or a folder, found ${shown}` };
    return filesIn(local, "");
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR")) return { wrong: `expected a file, found nothing at ${written}` };
    if (hasErrno(error, "EACCES")) return { wrong: `expected a file that can be read, found ${written} closed` };
    throw error;
  }
}

function filesIn(folder: string, below: string): Found {
  const files: { below: string; local: string }[] = [];
  const entries = readdirSync(join(folder, below), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const name = `${below}/${entry.name}`;
    if (entry.isFile()) files.push({ below: name, local: join(folder, name) });
    else if (!entry.isDirectory())
      return { wrong: `expected only files and folders in ${folder}, found ${name.slice(1)}; use \`links\` for links` };
    else {
      const inner = filesIn(folder, name);
      if ("wrong" in inner) return inner;
      files.push(...inner.files);
    }
  }
  return { files };
}

const CHUNK = 1024 * 1024;

function digestOfFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, fstatSync(fd).size + 1));
    for (let size = readSync(fd, chunk); size > 0; size = readSync(fd, chunk)) hash.update(chunk.subarray(0, size));
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}
