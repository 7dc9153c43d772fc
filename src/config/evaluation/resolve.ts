/** Which modules a config may import: its own, `ashlar`, and the few of Node that say nothing about the machine. */
import { isBuiltin, registerHooks } from "node:module";
import { HermeticError } from "./violation.ts";

const ALLOWED = new Set(["assert", "assert/strict", "buffer", "path", "path/posix", "url", "util"]);

const ONLY = `a config can import its own files, ashlar, node:fs, ${[...ALLOWED].map((name) => `node:${name}`).join(", ")}`;

const FILES = new URL("files.ts", import.meta.url).href;
const ASHLAR = new URL("../index.ts", import.meta.url).href;

/** Installs the rules; returns the list to which every module file that a config imports is added, as a URL. */
export function restrictImports(): string[] {
  const loaded: string[] = [];
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "ashlar") return { url: ASHLAR, format: "module-typescript", shortCircuit: true };
      if (isBuiltin(specifier) && context.parentURL !== FILES) {
        const name = specifier.replace(/^node:/, "");
        if (name === "fs") return { url: FILES, format: "module-typescript", shortCircuit: true };
        if (!ALLOWED.has(name)) throw new HermeticError(`the module ${specifier}`, ONLY, { specifier, importer: context.parentURL });
      }
      const found = resolveOwn(() => next(specifier, context), { specifier, importer: context.parentURL });
      if (found.url.startsWith("file:") && !loaded.includes(found.url)) loaded.push(found.url);
      return found;
    },
  });
  return loaded;
}

/** An import that leads nowhere says who wrote it. */
function resolveOwn<T>(resolve: () => T, written: { readonly specifier: string; readonly importer: string | undefined }): T {
  try {
    return resolve();
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, written) : error;
  }
}
