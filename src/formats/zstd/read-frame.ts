/**
 * The content of a frame, in no more memory than it has itself: a library that decompresses keeps a window besides, which for
 * the effort that kernels are compressed with is as large again.
 */
import { ZstdError } from "./errors.ts";
import { JUMP_TABLE } from "./close-frame.ts";
import { BLOCK_MAX, readBlock, readFrameHead, readLiteralHead } from "./frame.ts";
import { readLiterals } from "./huffman.ts";
import type { HuffmanCode } from "./huffman.ts";
import { treeEnd } from "./open-frame.ts";
import type { Before } from "./open-frame.ts";
import { readSequenceHead, readSequences } from "./sequences.ts";
import type { Sequences } from "./sequences.ts";

/** @param most bytes that it may have. @throws ZstdError */
export function readFrame(bytes: Buffer, start: number, most: number): Buffer {
  // Pages that nothing is written to take no memory.
  const content = Buffer.allocUnsafeSlow(most);
  const before: Before = { tables: undefined, code: undefined };
  const copy = createCopier(content);
  let [at, size] = [readFrameHead(bytes, start).end, 0];
  for (let last = false; !last;) {
    const block = readBlock(bytes, at);
    at = block.start + block.size;
    if (at > bytes.length) throw new ZstdError("a frame ends early");
    last = block.last;
    if (size + (block.makes ?? 0) > most) throw new ZstdError(`a frame has more than ${most} bytes`);
    if (block.kind === "raw") size += bytes.copy(content, size, block.start, at);
    else if (block.kind === "repeated") content.fill(bytes[block.start]!, size, (size += block.makes!));
    else size = readCompressed(bytes.subarray(block.start, at), before, { copy, size });
  }
  return content.subarray(0, size);
}

type Copier = (literals: Buffer, sequences: Sequences, size: number) => number;

function readCompressed(block: Buffer, before: Before, { copy, size }: { readonly copy: Copier; readonly size: number }): number {
  const head = readLiteralHead(block, 0);
  const tree = treeEnd(block, head, before);
  const end = head.end + head.size;
  const literals = literalsIn(block.subarray(0, end), { ...head, tree }, before.code);
  const { value, end: stream } = readSequenceHead(block, end, before.tables);
  before.tables = value.tables;
  const sequences = readSequences(block, stream, block.length, value.count, value.tables);
  return copy(literals, sequences, size);
}

type LiteralPlace = ReturnType<typeof readLiteralHead> & { readonly tree: number };

function literalsIn(block: Buffer, { kind, count, end, tree, streams }: LiteralPlace, code: HuffmanCode | undefined): Buffer {
  if (count > BLOCK_MAX) throw new ZstdError("a block has too many literals");
  if (kind === "raw") return block.subarray(end, end + count);
  if (kind === "repeated") return Buffer.alloc(count, block[end]);
  if (code === undefined) throw new ZstdError("there is no tree before");
  const literals = Buffer.alloc(count);
  if (streams === 1) {
    readLiterals(code, block.subarray(tree), literals);
    return literals;
  }
  if (tree + JUMP_TABLE > block.length) throw new ZstdError("literals end early");
  const quarter = (count + 3) >> 2;
  let at = tree + JUMP_TABLE;
  for (let stream = 0; stream < 4; stream++) {
    const next = stream === 3 ? block.length : at + block.readUInt16LE(tree + 2 * stream);
    readLiterals(code, block.subarray(at, next), literals.subarray(stream * quarter, stream === 3 ? undefined : (stream + 1) * quarter));
    at = next;
  }
  return literals;
}

/** Does what sequences say. It knows the last three distances (RFC 8878, 3.1.1.5). */
function createCopier(content: Buffer): Copier {
  let [first, second, third] = [1, 4, 8];
  const distanceOf = (offset: number, literals: number): number => {
    if (offset > 3) {
      [first, second, third] = [offset - 3, first, second];
      return first;
    }
    const which = offset + (literals === 0 ? 1 : 0);
    if (which === 1) return first;
    const distance = which === 2 ? second : which === 3 ? third : first - 1;
    [first, second, third] = [distance, first, which === 2 ? third : second];
    return distance;
  };
  return (literals, { count, literals: lengths, matches, offsets }, start) => {
    let [size, used] = [start, 0];
    const take = (length: number): void => {
      if (used + length > literals.length) throw new ZstdError("a block has too few literals");
      if (size + length > content.length) throw new ZstdError(`a frame has more than ${content.length} bytes`);
      for (let end = size + length; size < end;) content[size++] = literals[used++]!;
    };
    for (let at = 0; at < count; at++) {
      take(lengths[at]!);
      const distance = distanceOf(offsets[at]!, lengths[at]!);
      const end = size + matches[at]!;
      if (distance <= 0 || distance > size || end > content.length) throw new ZstdError("a match is outside of the content");
      for (; size < end; size++) content[size] = content[size - distance]!;
    }
    take(literals.length - used);
    return size;
  };
}
