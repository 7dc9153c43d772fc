/** Reads the entries of a directory. */
import { fromBuffer } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { damaged } from "./errors.ts";
import { BLOCK, DIRENT, NAME_MAX } from "./format.ts";
import type { Image } from "./image.ts";
import type { RawInode } from "./read-inode.ts";

export interface RawDirent {
  readonly name: ByteString;
  readonly nid: number;
  /** Type byte: 1 file, 2 directory, 3 character, 4 block, 5 fifo, 6 socket, 7 symbolic link. */
  readonly type: number;
  /** Byte in the image. */
  readonly position: number;
}

/** Reads all entries, "." and ".." among them; checks that names rise. @throws E_EROFS_DAMAGED */
export function readDirectory(image: Image, inode: RawInode): RawDirent[] {
  const dirents: RawDirent[] = [];
  for (let block = 0; block < inode.blocks; block++) readBlock(image, (inode.firstBlock + block) * BLOCK, BLOCK, dirents);
  if (inode.tail > 0) readBlock(image, inode.tailAt, inode.tail, dirents);
  for (let index = 1; index < dirents.length; index++)
    if (dirents[index - 1]!.name >= dirents[index]!.name) throw damaged(dirents[index]!.position, "names out of order in a directory");
  return dirents;
}

function readBlock({ view, bytes }: Image, at: number, length: number, dirents: RawDirent[]): void {
  const namesAt = length < DIRENT ? 0 : view.getUint16(at + 8, true);
  if (namesAt < DIRENT || namesAt > length || namesAt % DIRENT !== 0) throw damaged(at + 8, "not a directory");
  // The last name of a whole block ends at the first NUL, all others where the next one starts.
  const lastName = view.getUint16(at + namesAt - DIRENT + 8, true);
  const zero = bytes.subarray(at + Math.min(lastName, length), at + length).indexOf(0);
  const namesEnd = zero === -1 ? length : lastName + zero;
  for (let entry = 0; entry < namesAt; entry += DIRENT) {
    const position = at + entry;
    const start = view.getUint16(position + 8, true);
    const end = entry + DIRENT < namesAt ? view.getUint16(position + DIRENT + 8, true) : namesEnd;
    if (start < namesAt || end <= start || end > length || end - start > NAME_MAX)
      throw damaged(position + 8, "a name outside of its block");
    if (view.getUint32(position + 4, true) !== 0) throw damaged(position, "an inode outside of the file");
    const name = fromBuffer(bytes.subarray(at + start, at + end));
    if (name.includes("/") || name.includes("\0")) throw damaged(at + start, "a name no file can have");
    dirents.push({ name, nid: view.getUint32(position, true), type: view.getUint8(position + 10), position });
  }
}
