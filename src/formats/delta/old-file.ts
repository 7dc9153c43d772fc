import { readSync } from "node:fs";
import { constants as zlib, zstdCompressSync } from "node:zlib";
import { decompressInto, release } from "../memory.ts";
import { keepRecent } from "../recent.ts";
import { DeltaError } from "./errors.ts";
import type { OldFile } from "./patch.ts";

/** What patches read, in memory: parts of a file that follow each other. */
export function fileOf(parts: readonly Buffer[]): OldFile {
  const starts: number[] = [];
  const size = parts.reduce((sum, { length }) => (starts.push(sum), sum + length), 0);
  return {
    size,
    read: (place, into) => {
      for (const [at, part] of parts.entries()) {
        const start = starts[at]!;
        if (place + into.length <= start || place >= start + part.length) continue;
        part.copy(into, Math.max(0, start - place), Math.max(0, place - start), Math.min(part.length, place + into.length - start));
      }
    },
  };
}

/** Bytes that are squeezed by themselves, and how many of these are in memory as they are. */
const CHUNK = 128 * 1024;
const CHUNKS_KEPT = 16;

/** {@link fileOf} in a third of the memory: patches read nearly in order. Disposing of it gives that back. */
export function squeezed(parts: readonly Buffer[]): OldFile & Disposable {
  const file = fileOf(parts);
  const chunk = Buffer.alloc(CHUNK);
  const sizeOf = (at: number): number => Math.min(CHUNK, file.size - at * CHUNK);
  const chunks = Array.from({ length: Math.ceil(file.size / CHUNK) }, (_, at) => {
    const bytes = chunk.subarray(0, sizeOf(at));
    file.read(at * CHUNK, bytes);
    return zstdCompressSync(bytes, { params: { [zlib.ZSTD_c_compressionLevel]: 1 } });
  });
  const chunkAt = keepRecent<Buffer>(CHUNKS_KEPT, (at, room = Buffer.alloc(CHUNK)) => {
    decompressInto(chunks[at]!, room.subarray(0, sizeOf(at)));
    return room;
  });
  return {
    size: file.size,
    read: (place, into) => {
      for (let done = 0; done < into.length;) {
        const at = Math.floor((place + done) / CHUNK);
        const start = place + done - at * CHUNK;
        done += chunkAt(at).copy(into, done, start, Math.min(sizeOf(at), start + into.length - done));
      }
    },
    [Symbol.dispose]: () => {
      for (const each of chunks.splice(0)) release(each);
    },
  };
}

/**
 * A file of pieces that are made when they are read, one in memory.
 * @param pieceAt makes one, in `into` or elsewhere
 */
export function joined(pieces: readonly { readonly length: number }[], pieceAt: (at: number, into: Buffer) => Buffer): OldFile {
  const starts: number[] = [];
  const size = pieces.reduce((sum, { length }) => (starts.push(sum), sum + length), 0);
  const room = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)));
  let [open, content]: [number, Buffer] = [-1, Buffer.alloc(0)];
  return {
    size,
    read: (place, into) => {
      let piece = Math.max(
        0,
        starts.findLastIndex((start) => start <= place),
      );
      for (let done = 0; done < into.length; piece++) {
        if (piece === pieces.length) throw new DeltaError("pieces end early");
        if (piece !== open) [open, content] = [piece, pieceAt(piece, room)];
        done += content.copy(into, done, place + done - starts[piece]!);
      }
    },
  };
}

/** What patches read, in a file that is open. It throws DeltaError where the file ends. */
export function openFile(fd: number, size: number): OldFile {
  return {
    size,
    read: (place, into) => {
      for (let at = 0; at < into.length;) {
        const count = readSync(fd, into, at, into.length - at, place + at);
        if (count === 0) throw new DeltaError("a file is shorter than it was");
        at += count;
      }
    },
  };
}
