/** Which folder belongs to a config: what its evaluation may read, and where local sources may lie. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AshlarError, hasErrno } from "#errors";
import type { ConfigErrorCode } from "./errors.ts";

export interface ConfigFile {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** The file's folder. */
  readonly folder: string;
  /** The nearest folder with a `tsconfig.json` (`ashlar init` writes one) or `package.json`, so that systems can share files; else `folder`. */
  readonly project: string;
}

const NAMES = ["system.ts", "system.yaml", "system.yml", "system.json"];

const MARKERS = ["tsconfig.json", "package.json"];

/**
 * Finds the config at a path: a file, or a folder with one of the usual names in it.
 * @throws E_CONFIG_NOT_FOUND
 */
export function findConfig(path: string): ConfigFile {
  const file = realPath(path);
  const folder = dirname(file);
  return { path: file, folder, project: projectOf(folder) };
}

function realPath(path: string): string {
  try {
    const absolute = realpathSync(resolve(path));
    if (!statSync(absolute).isDirectory()) return absolute;
    const inside = NAMES.map((name) => join(absolute, name)).find((candidate) => existsSync(candidate));
    if (inside !== undefined) return realpathSync(inside);
  } catch (error) {
    if (!hasErrno(error, "ENOENT") && !hasErrno(error, "ENOTDIR")) throw error;
  }
  throw new AshlarError<ConfigErrorCode>("E_CONFIG_NOT_FOUND", `there is no config at ${path}`, {
    hint: "`ashlar init` writes one; or name it: `ashlar build path/to/system.ts`",
  });
}

function projectOf(folder: string): string {
  for (let at = folder; at !== dirname(at); at = dirname(at)) if (MARKERS.some((name) => existsSync(join(at, name)))) return at;
  return folder;
}
