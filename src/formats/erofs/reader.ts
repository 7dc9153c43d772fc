/** Reads composefs images back into the entries they were written from. */
import { compareBytes } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { DumpEntry } from "#formats/composefs/dump-entry.ts";
import { HIDDEN_NAMES } from "#formats/composefs/overlay.ts";
import { S_IFCHR, S_IFMT } from "#formats/file-mode.ts";
import { entryOf } from "./entry-of.ts";
import { openImage } from "./image.ts";
import { walkImage } from "./walk.ts";
import type { Name } from "./walk.ts";

export { objectsOfImage } from "./objects.ts";

/**
 * The entries of an image in the byte order of their paths. Written again with the image's version they give the same bytes,
 * except that another folder may be marked when a whiteout has hard links in several.
 * Only images in the writer's own form are read; nothing of the bytes is trusted.
 * @throws E_EROFS_DAMAGED with the position, E_EROFS_LIMIT
 */
export function readImage(content: Uint8Array): DumpEntry[] {
  const image = openImage(content);
  const { primary, links } = walkImage(image);
  const hidden = new Set(HIDDEN_NAMES.map((name) => `/${name}`));
  const withWhiteouts = new Set<ByteString>();
  const entries: DumpEntry[] = [];
  // Backwards, so that what a folder holds is known before the folder.
  for (const name of [...primary].reverse()) {
    if (isHidingEntry(name, hidden)) continue;
    entries.push(entryOf(image, name, withWhiteouts));
  }
  for (const { path, inode } of links) entries.push({ path, hardlink: primary[inode.number]!.path });
  return entries.sort((a, b) => compareBytes(a.path, b.path));
}

function isHidingEntry({ path, inode }: Name, hidden: ReadonlySet<ByteString>): boolean {
  return (inode.mode & S_IFMT) === S_IFCHR && inode.rdev === 0 && hidden.has(path);
}
