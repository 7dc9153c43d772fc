/** Finding the names that are one file. */
import { lstatSync } from "node:fs";
import type { ByteString } from "#formats/bytes.ts";
import type { Ownership } from "./tree.ts";

export interface HardlinkGroup {
  readonly names: ByteString[];
  /** Bytes. */
  readonly size: number;
  readonly ownership: Ownership;
  /** Whether all names of the file are in the group. */
  readonly complete: boolean;
}

export interface Hardlinks {
  add(name: ByteString, path: string | Buffer, ownership: Ownership): void;
  groups(): HardlinkGroup[];
}

/** Groups files by device and inode number. */
export function createHardlinks(): Hardlinks {
  const groups = new Map<string, { names: ByteString[]; size: number; ownership: Ownership; links: number }>();
  return {
    add: (name, path, ownership) => {
      // Inode numbers of overlayfs and btrfs do not fit into a double.
      const { dev, ino, nlink, size } = lstatSync(path, { bigint: true });
      const key = `${dev}:${ino}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { names: [name], size: Number(size), ownership, links: Number(nlink) });
      else group.names.push(name);
    },
    groups: () => [...groups.values()].map(({ links, ...group }) => ({ ...group, complete: group.names.length === links })),
  };
}
