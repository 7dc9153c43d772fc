/**
 * Kernel modules are kept unpacked. A module that comes as `.ko.xz` is another file with every build of the kernel, from its
 * first byte; unpacked, it differs from the one before in a hundredth, and updates send only that. The signature of a module
 * is at the end of the unpacked file, so it stays what it was.
 */
import { createHash } from "node:crypto";
import { AshlarError, messageOf } from "#errors";
import { toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { decompress } from "#formats/decompress.ts";
import { writeKmodIndex } from "#formats/kmod-index.ts";
import { moduleName } from "#formats/modules-dep.ts";
import { below, contentFor, editText, movePath, readText } from "../draft.ts";
import type { Draft } from "../draft.ts";

export type ModuleErrorCode = "E_TREE_MODULE";

const PACKED = /^\/usr\/lib\/modules\/.+\.ko\.(xz|zst|gz)$/;
/** In the texts of depmod and dpkg. */
const PACKED_NAME = /\.ko\.(?:xz|zst|gz)(?=[:\s]|$)/gm;
/** Bytes of one module; amdgpu, the largest, has 40 MB. */
const MODULE_MAX = 512 * 1024 * 1024;
/** As many as Node's thread pool unpacks at once. */
const PARALLEL = 4;

/**
 * Unpacks every module, and tells depmod's files and dpkg's lists of it.
 * @returns how many there were
 * @throws E_TREE_MODULE naming one that is damaged
 */
export async function unpackModules(draft: Draft): Promise<number> {
  const packed = below(draft.nodes, "/usr/lib/modules").filter((path) => PACKED.test(path));
  const sums = new Map<ByteString, string>();
  for (let from = 0; from < packed.length; from += PARALLEL)
    await Promise.all(
      packed.slice(from, from + PARALLEL).map(async (path) => {
        const sum = await unpackModule(draft, path);
        if (sum !== undefined) sums.set(path, sum);
      }),
    );
  if (packed.length === 0) return 0;
  for (const version of new Set(packed.map((path) => path.split("/")[4]!))) renewIndexes(draft, `/usr/lib/modules/${version}`);
  tellDpkg(draft, sums);
  return packed.length;
}

/** @returns the md5 of the unpacked module, for dpkg; undefined for a link, whose target is unpacked too */
async function unpackModule(draft: Draft, path: ByteString): Promise<string | undefined> {
  const node = draft.nodes.get(path);
  const to = unpackedPath(path);
  movePath(draft, path, to);
  if (node?.kind === "symlink") draft.nodes.set(to, { ...node, target: unpackedPath(node.target) });
  if (node?.kind !== "file") return undefined;
  const content = "inline" in node.content ? node.content.inline : draft.store.read(node.content.object);
  const module = await decompress(path, content, MODULE_MAX).catch((cause: unknown) => {
    throw new AshlarError<ModuleErrorCode>("E_TREE_MODULE", `${toText(path)} cannot be unpacked: ${messageOf(cause)}`, {
      cause,
      hint: "the package that brings it, or what made it, is damaged: take another version of the kernel's package",
      details: { path: toText(path) },
    });
  });
  draft.nodes.set(to, { ...node, content: contentFor(draft.store, module) });
  return createHash("md5").update(module).digest("hex");
}

/**
 * depmod ran before, over the packed modules: what it found out is the same, only paths differ. Of its indexes modules.dep and
 * modules.dep.bin have paths; all others have names of modules.
 */
function renewIndexes(draft: Draft, home: ByteString): void {
  for (const name of ["modules.dep", "modules.order"]) editText(draft, `${home}/${name}`, unpackedNames);
  const index = `${home}/modules.dep.bin`;
  const node = draft.nodes.get(index);
  const text = readText(draft, `${home}/modules.dep`);
  if (node?.kind !== "file" || text === undefined) return;
  const entries = text.split("\n").flatMap((line) => (line === "" ? [] : [{ key: moduleName(line.split(":")[0]!), value: line }]));
  draft.nodes.set(index, { ...node, content: contentFor(draft.store, writeKmodIndex(entries)) });
}

/** deb-md5sums(5): `md5sum`, two spaces, path without the leading slash. Old packages have /lib for what is /usr/lib. */
function tellDpkg(draft: Draft, sums: ReadonlyMap<ByteString, string>): void {
  const sumOf = (path: ByteString): string | undefined => sums.get(`/${path.replace(/^lib\//, "usr/lib/")}`);
  for (const path of below(draft.nodes, "/var/lib/dpkg/info")) {
    if (!/\.(list|md5sums)$/.test(path) || readText(draft, path)?.includes(".ko.") !== true) continue;
    editText(draft, path, (text) =>
      unpackedNames(
        text.replace(/^[0-9a-f]{32} {2}(.+)$/gm, (line, file: string) => {
          const sum = sumOf(file);
          return sum === undefined ? line : `${sum}  ${file}`;
        }),
      ),
    );
  }
}

const unpackedNames = (text: string): string => text.replace(PACKED_NAME, ".ko");
const unpackedPath = (path: ByteString): ByteString => path.replace(/\.(xz|zst|gz)$/, "");
