/** A tiny initrd for tests of a guest kernel: some programs of a Debian root, their libraries, some modules, one script. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeCpio } from "#formats/cpio.ts";
import type { CpioEntry } from "#formats/cpio.ts";
import { decompress } from "#formats/decompress.ts";
import { isElf, readElfNeeds } from "#formats/elf.ts";
import { moduleClosure, parseModulesDep } from "#formats/modules-dep.ts";

export interface GuestInitrdOptions {
  /** A merged-usr root folder with programs and libraries. */
  readonly root: string;
  /** Paths below the root: "usr/bin/bash". */
  readonly programs: readonly string[];
  /** Below the root: "usr/lib/modules/6.12.57+deb13-cloud-amd64", with modules.dep. */
  readonly modulesFolder: string;
  readonly modules: readonly string[];
  /** Bash text run by pid 1, after /proc, /sys, /dev are mounted and the modules are loaded. */
  readonly script: string;
}

const MODULE_MAX = 64 * 1024 * 1024;
const LIBRARY_FOLDERS = ["usr/lib/x86_64-linux-gnu", "usr/lib", "usr/lib64"];

export async function guestInitrd(options: GuestInitrdOptions): Promise<Buffer> {
  const files = new Map<string, Buffer>();
  for (const program of options.programs) addWithLibraries(files, options.root, program);
  const modules = await inLoadOrder(join(options.root, options.modulesFolder), options.modules);
  for (const { name, content } of modules) files.set(`modules/${name}`, content);
  files.set("init", Buffer.from(initText(modules, options.script)));
  const entries: CpioEntry[] = [...files].map(([path, content]) => ({ kind: "file", path, mode: 0o755, content }));
  for (const name of ["bin", "sbin", "lib", "lib64"]) entries.push({ kind: "symlink", path: name, target: `usr/${name}` });
  const folders = new Set(["dev", "proc", "sys", "sysroot", "image", "root", "tmp"]);
  for (const path of files.keys()) for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(at);
  for (const path of folders) entries.push({ kind: "directory", path, mode: 0o755 });
  return writeCpio(entries, 0);
}

function initText(modules: readonly { name: string }[], script: string): string {
  return [
    "#!/bin/bash",
    "export PATH=/usr/bin:/usr/sbin",
    "mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev",
    ...modules.map(({ name }) => `insmod /modules/${name}`),
    script,
  ].join("\n");
}

function addWithLibraries(files: Map<string, Buffer>, root: string, path: string): void {
  if (files.has(path)) return;
  const content = readFileSync(join(root, path));
  files.set(path, content);
  const needs = isElf(content) ? readElfNeeds(content, path) : undefined;
  if (needs === undefined) return;
  if (needs.interpreter !== undefined) addWithLibraries(files, root, `usr${needs.interpreter}`);
  for (const soname of needs.needed) addWithLibraries(files, root, findLibrary(root, soname));
}

function findLibrary(root: string, soname: string): string {
  for (const folder of LIBRARY_FOLDERS) {
    const path = join(folder, soname);
    if (existsSync(join(root, path))) return path;
  }
  throw new Error(`no ${soname} below ${root}`);
}

/** Modules before those that need them, unpacked since insmod here knows no xz. */
async function inLoadOrder(folder: string, names: readonly string[]): Promise<{ name: string; content: Buffer }[]> {
  const all = parseModulesDep(readFileSync(join(folder, "modules.dep"), "utf8"));
  const closure = moduleClosure(all, names, new Map());
  closure.sort((a, b) => a.needs.length - b.needs.length);
  return Promise.all(
    closure.map(async ({ name, path }) => ({
      name: `${name}.ko`,
      content: await decompress(path, readFileSync(join(folder, path)), MODULE_MAX),
    })),
  );
}
