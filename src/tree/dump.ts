/** Trees as composefs dumps: what images are written from, and the text in which a tree is kept. */
import type { DumpEntry } from "#formats/composefs/dump-entry.ts";
import { renderDumpfile } from "#formats/composefs/dumpfile.ts";
import { entriesOf } from "#formats/composefs/entries.ts";
import type { Tree } from "./tree.ts";

export { parseTree } from "./parse.ts";

/** The entries of a tree in the byte order of their paths, which puts every directory before what it holds. */
export function renderDump(tree: Tree): DumpEntry[] {
  return entriesOf(tree);
}

/** The same as text; `parseTree` is the inverse. */
export function dumpText(tree: Tree): string {
  return renderDumpfile(entriesOf(tree));
}
