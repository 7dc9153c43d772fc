/** An image as text for people and for golden tests: every inode with its place, then what it holds. */
import type { ByteString } from "#formats/bytes.ts";
import { escapeAttribute, escapeField } from "#formats/composefs/escape.ts";
import { openImage } from "./image.ts";
import { walkImage } from "./walk.ts";
import type { Name } from "./walk.ts";

const LAYOUTS = new Map([
  [0, "plain"],
  [2, "inline"],
  [4, "chunks"],
]);

/** Shows all of an image. @throws E_EROFS_DAMAGED, E_EROFS_LIMIT */
export function debugImage(content: Uint8Array): string {
  const image = openImage(content);
  const { primary, directories } = walkImage(image);
  const lines = [
    `composefs version ${image.version}${image.hasAcl ? ", ACLs" : ""}`,
    `${image.bytes.length / 4096} blocks, ${image.inodeCount} inodes, root nid ${image.rootNid}, time ${image.mtime}.${image.mtimeNsec}`,
    `shared attributes from ${image.xattrBase}`,
  ];
  for (const [index, name] of primary.entries()) {
    lines.push("", ...inodeLines(name));
    for (const dirent of directories.get(index) ?? []) lines.push(`  ${dirent.nid} ${dirent.type} ${escapeField(dirent.name)}`);
  }
  return `${lines.join("\n")}\n`;
}

function inodeLines({ path, inode }: Name): string[] {
  const place = `@${inode.position} ${inode.compact ? "compact" : "extended"} ${LAYOUTS.get(inode.layout)}`;
  const content = [inode.blocks > 0 && `blocks ${inode.firstBlock}+${inode.blocks}`, inode.tail > 0 && `tail ${inode.tail}`].filter(
    Boolean,
  );
  const time = inode.compact ? [] : [`time ${inode.mtime}.${inode.mtimeNsec}`];
  return [
    `${inode.number} ${escapeField(path)} ${[place, ...content].join(", ")}`,
    `  ${[`mode ${inode.mode.toString(8)}`, `size ${inode.size}`, `links ${inode.nlink}`, `owner ${inode.uid}:${inode.gid}`, ...time].join(", ")}`,
    ...[...inode.xattrs].map(([key, value]) => `  ${xattrLine(key, value)}`),
  ];
}

function xattrLine(key: ByteString, value: ByteString): string {
  return `${escapeAttribute(key)}=${escapeAttribute(value)}`;
}
