/**
 * The walk over an image, in the one order in which the writer puts inodes. It ends on any bytes: every inode is read
 * once, a directory has one name, and a directory block names the directory it belongs to.
 */
import type { ByteString } from "#formats/bytes.ts";
import { S_IFDIR, S_IFMT } from "#formats/file-mode.ts";
import { damaged } from "./errors.ts";
import { DIRENT_TYPES, PATH_LENGTH_MAX } from "./format.ts";
import type { Image } from "./image.ts";
import { readDirectory } from "./read-directory.ts";
import type { RawDirent } from "./read-directory.ts";
import { readInode } from "./read-inode.ts";
import type { RawInode } from "./read-inode.ts";

export interface Name {
  readonly path: ByteString;
  readonly inode: RawInode;
}

export interface Walk {
  /** Each inode in the order of the image, with its primary name. */
  readonly primary: readonly Name[];
  /** Further names of the same inodes. */
  readonly links: readonly Name[];
  /** Entries by the directory's index in `primary`, "." and ".." among them. */
  readonly directories: ReadonlyMap<number, readonly RawDirent[]>;
}

/** Walks all of an image. @throws E_EROFS_DAMAGED with the position */
export function walkImage(image: Image): Walk {
  const read = inodeReader(image);
  const root = read(image.rootNid);
  if ((root.mode & S_IFMT) !== S_IFDIR || root.number !== 0)
    throw damaged(root.position, "the root is not a directory, or not the first inode");
  const primary: Name[] = [{ path: "/", inode: root }];
  const parents = [root.nid];
  const links: Name[] = [];
  const directories = new Map<number, readonly RawDirent[]>();
  let block: number | undefined;

  for (let index = 0; index < primary.length; index++) {
    const { path, inode } = primary[index]!;
    // Blocks follow each other in the order of inodes, so no two inodes share one.
    if (inode.blocks > 0) {
      if (inode.firstBlock !== (block ?? inode.firstBlock)) throw damaged(inode.position + 16, "content out of order");
      block = inode.firstBlock + inode.blocks;
    }
    if ((inode.mode & S_IFMT) !== S_IFDIR) continue;
    const dirents = readDirectory(image, inode);
    directories.set(index, dirents);
    checkDots(inode, parents[index]!, dirents);
    for (const dirent of dirents) {
      if (dirent.name === "." || dirent.name === "..") continue;
      const child = { path: join(path, dirent), inode: read(dirent.nid) };
      if (DIRENT_TYPES[child.inode.mode >>> 12] !== dirent.type) throw damaged(dirent.position + 10, "another type than the inode's");
      if (child.inode.number === primary.length) {
        parents.push(inode.nid);
        primary.push(child);
      } else if ((child.inode.mode & S_IFMT) === S_IFDIR) throw damaged(dirent.position, "a directory out of order, or with two names");
      else links.push(child);
    }
  }
  if (primary.length !== image.inodeCount) throw damaged(1040, "another number of inodes than the superblock's");
  for (const { inode } of links) if (primary[inode.number]?.inode !== inode) throw damaged(inode.position + 20, "an inode out of order");
  return { primary, links, directories };
}

function inodeReader(image: Image): (nid: number) => RawInode {
  const inodes = new Map<number, RawInode>();
  const xattrs = new Map();
  return (nid) => {
    let inode = inodes.get(nid);
    if (inode === undefined) {
      inode = readInode(image, nid, xattrs);
      inodes.set(nid, inode);
    }
    return inode;
  };
}

function join(folder: ByteString, { name, position }: RawDirent): ByteString {
  const path = folder === "/" ? `/${name}` : `${folder}/${name}`;
  if (path.length > PATH_LENGTH_MAX) throw damaged(position, `a path of more than ${PATH_LENGTH_MAX} bytes`);
  return path;
}

function checkDots(inode: RawInode, parent: number, dirents: readonly RawDirent[]): void {
  const self = dirents.find((dirent) => dirent.name === ".");
  const up = dirents.find((dirent) => dirent.name === "..");
  if (self?.nid !== inode.nid || up?.nid !== parent || self.type !== 2 || up.type !== 2)
    throw damaged(inode.position, "a directory whose . or .. leads elsewhere");
}
