/**
 * Text files of `depmod` (modules.dep(5), `man depmod.d`): which kernel modules there are and what each needs.
 * Module names are written with underscores; file names and aliases may have hyphens.
 */
import { compareBytes } from "./bytes.ts";

export interface ModuleFile {
  /** "virtio_blk" */
  readonly name: string;
  /** Below /usr/lib/modules/VERSION: "kernel/drivers/block/virtio_blk.ko.xz". */
  readonly path: string;
  /** Paths of the modules that must be loaded before, as depmod lists them: all of them, direct or not, nearest first. */
  readonly needs: readonly string[];
}

/** `/some/where/virtio-blk.ko.xz` → `virtio_blk`. */
export function moduleName(path: string): string {
  return underscored(path.slice(path.lastIndexOf("/") + 1).replace(/\.ko(\.(xz|zst|gz))?$/, ""));
}

/** Parses modules.dep. Keys are module names. */
export function parseModulesDep(text: string): Map<string, ModuleFile> {
  const modules = new Map<string, ModuleFile>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const path = line.slice(0, colon);
    const needs = line
      .slice(colon + 1)
      .split(" ")
      .filter((word) => word !== "");
    modules.set(moduleName(path), { name: moduleName(path), path, needs });
  }
  return modules;
}

/** Parses modules.alias: `alias PATTERN MODULE` lines, in order. */
export function parseModulesAlias(text: string): { readonly pattern: string; readonly module: string }[] {
  return directives(text, "alias").map(([pattern = "", module = ""]) => ({ pattern, module: underscored(module) }));
}

/** Parses modules.softdep: module name to what it would like to have loaded before or after ("pre:", "post:" dropped). */
export function parseModulesSoftdep(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [module = "", ...words] of directives(text, "softdep")) {
    const wanted = words.filter((word) => !word.endsWith(":")).map(underscored);
    found.set(underscored(module), [...(found.get(underscored(module)) ?? []), ...wanted]);
  }
  return found;
}

/**
 * The given modules and everything they need, sorted by path. Names that are built in or unknown are left out.
 * @param softdeps wishes of {@link parseModulesSoftdep}, followed where such a module exists
 */
export function moduleClosure(
  modules: ReadonlyMap<string, ModuleFile>,
  names: readonly string[],
  softdeps: ReadonlyMap<string, readonly string[]>,
): ModuleFile[] {
  const closure = new Map<string, ModuleFile>();
  const queue = names.map(underscored);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const module = modules.get(name);
    if (module === undefined || closure.has(name)) continue;
    closure.set(name, module);
    queue.push(...module.needs.map(moduleName), ...(softdeps.get(name) ?? []));
  }
  return [...closure.values()].sort((a, b) => compareBytes(a.path, b.path));
}

/** Hyphens become underscores, but not inside a character class of a pattern, as libkmod does. */
export function underscored(pattern: string): string {
  return pattern.replace(/\[[^\]]*\]|-/g, (part) => (part === "-" ? "_" : part));
}

function directives(text: string, keyword: string): string[][] {
  return text
    .split("\n")
    .map((line) => line.split(" ").filter((word) => word !== ""))
    .filter((words) => words[0] === keyword)
    .map((words) => words.slice(1));
}
