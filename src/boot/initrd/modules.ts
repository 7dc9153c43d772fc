/**
 * The kernel's modules for the initrd: the chosen ones with what they need, and indexes of just these. Modules are stored
 * unpacked: the initrd is compressed as a whole, which is smaller, and a slow machine unpacks once.
 */
import { decompressSync } from "@napi-rs/lzma/xz";
import { zstdDecompressSync } from "node:zlib";
import { moduleClosure, moduleName, parseModulesAlias, parseModulesDep, parseModulesSoftdep } from "#formats/modules-dep.ts";
import type { ModuleFile } from "#formats/modules-dep.ts";
import { underscored } from "#formats/modules-dep.ts";
import { writeKmodIndex } from "#formats/kmod-index.ts";
import { AshlarError } from "#errors";
import type { BootErrorCode } from "../errors.ts";
import { putFile, takeOptional } from "./gather.ts";
import type { Gathering } from "./gather.ts";
import { readInTree } from "./tree-reader.ts";

/** Kept as they are: they speak of the kernel image, not of module files. */
const BUILTIN_INDEXES = ["modules.builtin", "modules.builtin.bin", "modules.builtin.alias.bin", "modules.builtin.modinfo"];

/**
 * @param version of the kernel, "6.12.57+deb13-cloud-amd64"
 * @param names of modules; those that are built in or that this kernel lacks are skipped
 * @throws E_INITRD_MISSING when depmod's files are not in the tree
 */
export function takeModules(into: Gathering, version: string, names: readonly string[]): void {
  const home = `/usr/lib/modules/${version}`;
  const text = (name: string): string => readInTree(into.tree, into.store, `${home}/${name}`)?.toString() ?? "";
  const all = parseModulesDep(text("modules.dep"));
  if (all.size === 0)
    throw new AshlarError<BootErrorCode>("E_INITRD_MISSING", `${home}/modules.dep is missing or empty`, {
      hint: "the kernel's package runs depmod when it is installed: look at the build's log",
    });
  const closure = moduleClosure(all, names, parseModulesSoftdep(text("modules.softdep")));
  for (const module of closure) putFile(into, `${home}/${unpackedPath(module.path)}`, readModule(into, `${home}/${module.path}`));
  const chosen = new Set(closure.map(({ name }) => name));
  const aliases = parseModulesAlias(text("modules.alias")).filter(({ module }) => chosen.has(module));
  const softdeps = text("modules.softdep")
    .split("\n")
    .filter((line) => chosen.has(underscored(line.split(" ")[1] ?? "")));
  putFile(into, `${home}/modules.dep.bin`, writeKmodIndex(closure.map(dependencyEntry)));
  putFile(
    into,
    `${home}/modules.alias.bin`,
    writeKmodIndex(aliases.map(({ pattern, module }) => ({ key: underscored(pattern), value: module }))),
  );
  putFile(into, `${home}/modules.symbols.bin`, writeKmodIndex([]));
  putFile(into, `${home}/modules.softdep`, softdeps.map((line) => `${line}\n`).join(""));
  for (const name of BUILTIN_INDEXES) takeOptional(into, `${home}/${name}`);
}

function dependencyEntry(module: ModuleFile): { key: string; value: string } {
  return { key: moduleName(module.path), value: [`${unpackedPath(module.path)}:`, ...module.needs.map(unpackedPath)].join(" ") };
}

const unpackedPath = (path: string): string => path.replace(/\.(xz|zst)$/, "");

function readModule(into: Gathering, path: string): Buffer {
  const content = readInTree(into.tree, into.store, path);
  if (content === undefined) throw new AshlarError<BootErrorCode>("E_INITRD_MISSING", `modules.dep names ${path}, which does not exist`);
  if (path.endsWith(".xz")) return Buffer.from(decompressSync(content));
  return path.endsWith(".zst") ? zstdDecompressSync(content) : content;
}
