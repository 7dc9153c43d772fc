/**
 * JavaScript of a config's TypeScript modules, kept between evaluations. Made and written by this process only: a config
 * cannot put something there for the next evaluation to find. An entry counts only while the module's text is the same.
 */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { hasErrno } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";

interface KeptModule {
  readonly url: string;
  /** The text that it was made from; without one it counts whatever the file says. */
  readonly source?: string;
  readonly script: string;
}

/** What `start.mjs` reads: a JSON list of modules; empty when nothing is kept for this config. */
export function readKept(folder: string, config: string): string {
  try {
    return readFileSync(pathFor(folder, config), "utf8");
  } catch (error) {
    if (!hasErrno(error, "ENOENT") && !isUnusable(error)) throw error;
    return "";
  }
}

/**
 * What `start.mjs` reads so that these texts count instead of the files.
 * @param texts absolute path to text
 */
export function tryTexts(texts: ReadonlyMap<string, Buffer>): string {
  const modules = [...texts]
    .filter(([path]) => /\.m?[tj]s$/.test(path))
    .map(([path, text]): KeptModule => {
      const source = text.toString();
      return { url: pathToFileURL(path).href, script: path.endsWith("ts") ? stripTypeScriptTypes(source) : source };
    });
  return JSON.stringify(modules);
}

/** Keeps the JavaScript of these modules, and of no others, for the next evaluation of `config`. */
export function keep(folder: string, config: string, urls: readonly string[]): void {
  const modules = urls.map((url): KeptModule => {
    const source = readFileSync(fileURLToPath(url), "utf8");
    return { url, source, script: stripTypeScriptTypes(source) };
  });
  try {
    writeFileAtomic(pathFor(folder, config), JSON.stringify(modules));
  } catch (error) {
    if (!isUnusable(error)) throw error;
  }
}

/** What is kept only makes the next evaluation faster: a folder that cannot be used is no reason to fail. */
function isUnusable(error: unknown): boolean {
  return ["EACCES", "EROFS", "EPERM", "ENOTDIR", "ENOSPC"].some((errno) => hasErrno(error, errno));
}

function pathFor(folder: string, config: string): string {
  return join(folder, `${hash("sha256", config)}.json`);
}
