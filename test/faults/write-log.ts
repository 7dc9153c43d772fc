/**
 * The log of everything a disk was asked to write, in sectors of 512 bytes:
 *
 *   sector 0     magic, version, number of entries, sector size
 *   then entries: sector, count, flags, length of a mark: 4 × u64le, padded to a sector; the data follows but for discards
 *
 * Format: https://docs.kernel.org/admin-guide/device-mapper/log-writes.html; QEMU's blklogwrites writes the same, an
 * entry when its request has ended.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

export interface LogEntry {
  readonly kind: "write" | "flush" | "discard";
  /** Byte range on the disk. */
  readonly start: number;
  readonly length: number;
  /** Byte offset of the data in the log. */
  readonly data: number;
  /** Byte offset in the log at which the entry ends. */
  readonly end: number;
}

export const SECTOR = 512;
const MAGIC = 0x6a736677736872n;
const FLAG = { flush: 1n, fua: 2n, discard: 4n, mark: 8n } as const;

/** All entries of a log; one that was cut short at the end is dropped. @throws Error when it is no log */
export function readWriteLog(path: string): LogEntry[] {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const head = Buffer.alloc(SECTOR);
    readSync(fd, head, 0, SECTOR, 0);
    if (head.readBigUInt64LE(0) !== MAGIC || head.readUInt32LE(24) !== SECTOR) throw new Error(`${path} is no log of writes`);
    const entries: LogEntry[] = [];
    for (let at = SECTOR; at + SECTOR <= size;) {
      readSync(fd, head, 0, SECTOR, at);
      const entry = entryAt(head, at);
      if (entry.end > size) break;
      entries.push(entry);
      at = entry.end;
    }
    return entries;
  } finally {
    closeSync(fd);
  }
}

function entryAt(head: Buffer, at: number): LogEntry {
  const [sector, count, flags] = [0, 8, 16].map((offset) => head.readBigUInt64LE(offset)) as [bigint, bigint, bigint];
  if (flags > 15n || (flags & (FLAG.fua | FLAG.mark)) !== 0n) throw new Error(`the entry at byte ${at} has flags ${flags}`);
  const kind = (flags & FLAG.flush) !== 0n ? "flush" : (flags & FLAG.discard) !== 0n ? "discard" : "write";
  const length = Number(count) * SECTOR;
  const data = at + SECTOR;
  return { kind, start: Number(sector) * SECTOR, length, data, end: data + (kind === "discard" ? 0 : length) };
}
