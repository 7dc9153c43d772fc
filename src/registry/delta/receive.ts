/** Reads the groups of a plan and makes objects of them while they come. */
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { DeltaError } from "#formats/delta/errors.ts";
import { messageOf } from "#errors";
import { release } from "#formats/memory.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { ReleaseObject } from "../release.ts";
import type { ReleaseSource } from "../stream.ts";
import { openAssembly } from "./assemble.ts";
import type { Assembly } from "./assemble.ts";
import { unpackedSize } from "./index-file.ts";
import type { DeltaIndex, Group, GroupPiece } from "./index-file.ts";
import type { Partials } from "./partial.ts";
import type { DeltaPlan } from "./plan.ts";

const decompress = promisify(brotliDecompress);

/** What lies between two groups is read along when it is not more: a new request takes longer. */
const GAP = 32 * 1024;
/** With so many objects wrong, the rest is not worth its bytes. */
const FAILURES_MAX = 8;

export interface Receiving {
  readonly index: DeltaIndex;
  readonly plan: DeltaPlan;
  readonly release: readonly ReleaseObject[];
  readonly bases: readonly (ObjectId | undefined)[];
  readonly partials: Partials;
  readonly store: Store;
  readonly signal?: AbortSignal;
  /** Called with the bytes of each object that is in the store. */
  readonly onBytes: (bytes: number) => void;
  /** Called with the bytes that came over the wire. */
  readonly onWire: (bytes: number) => void;
}

export interface Received {
  readonly objects: ReadonlySet<ObjectId>;
  /** Why not all of them: for people. */
  readonly failed?: string;
}

/** Makes what it can; what it cannot has to come in another way. @throws what the source throws */
export async function receive(source: ReleaseSource, receiving: Receiving): Promise<Received> {
  const { index, plan, bases, store, onBytes } = receiving;
  const done = new Set<ObjectId>();
  const failed = new Map<ObjectId, string>();
  using assembly = openAssembly({ store, bases, packed: index.packed, partials: receiving.partials });
  const wanted = (place: number): ReleaseObject | undefined => {
    const item = receiving.release[place];
    return item !== undefined && plan.objects.has(item.object) && !done.has(item.object) && !failed.has(item.object) ? item : undefined;
  };
  const isDone = ({ object, size }: ReleaseObject): void => {
    done.add(object);
    onBytes(size);
  };
  for await (const { group, bytes } of groupsOf(source, receiving)) {
    try {
      for await (const { item, arrived } of objectsIn(group, bytes, { assembly, wanted, failed })) if (arrived) isDone(item);
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      for (const { place } of group.pieces) if (wanted(place) !== undefined) failed.set(receiving.release[place]!.object, error.message);
    }
    if (failed.size > FAILURES_MAX) break;
  }
  // The largest one first: then the others have left nothing in memory yet.
  for (const inside of index.packed.toSorted((a, b) => b.size - a.size)) {
    const item = wanted(inside.place);
    if (item === undefined) continue;
    try {
      if (await assembly.make(item, inside)) isDone(item);
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      failed.set(item.object, error.message);
    }
  }
  assembly.abandon();
  const [why] = failed.values();
  return { objects: done, ...(why === undefined ? {} : { failed: `${index.files[0]}: ${why}` }) };
}

interface Taking {
  readonly assembly: Assembly;
  readonly wanted: (place: number) => ReleaseObject | undefined;
  readonly failed: Map<ObjectId, string>;
}

async function* objectsIn(
  group: Group,
  bytes: Buffer,
  { assembly, wanted, failed }: Taking,
): AsyncGenerator<{ item: ReleaseObject; arrived: boolean }> {
  const content = await unpacked(group, bytes);
  const ends = { steps: 0, changes: 0, fresh: 0 };
  const starts = startsOf(group.pieces);
  for (const piece of group.pieces) {
    const cut = (kind: keyof typeof ends): Buffer => {
      const from = starts[kind] + ends[kind];
      ends[kind] += piece[kind];
      return content.subarray(from, from + piece[kind]);
    };
    const parts = { steps: cut("steps"), changes: cut("changes"), fresh: cut("fresh") };
    const item = wanted(piece.place);
    if (item === undefined) continue;
    try {
      yield { item, arrived: await assembly.take(item, piece, parts) };
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      failed.set(item.object, error.message);
    }
  }
  release(content);
}

function startsOf(pieces: readonly GroupPiece[]): { steps: number; changes: number; fresh: number } {
  const sum = (kind: "steps" | "changes"): number => pieces.reduce((total, piece) => total + piece[kind], 0);
  return { steps: 0, changes: sum("steps"), fresh: sum("steps") + sum("changes") };
}

async function unpacked(group: Group, bytes: Buffer): Promise<Buffer> {
  const size = unpackedSize(group);
  let content: Buffer;
  try {
    // With a byte to spare the library takes no second piece.
    content = await decompress(bytes, { maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) });
  } catch (error) {
    throw new DeltaError(`a group is damaged: ${messageOf(error)}`, { cause: error });
  }
  if (content.length !== size) throw new DeltaError(`a group has ${content.length} bytes instead of ${size}`);
  return content;
}

/** The bytes of each group, read with as few requests as there are gaps. */
async function* groupsOf(
  source: ReleaseSource,
  { index, plan, signal, onWire }: Receiving,
): AsyncGenerator<{ group: Group; bytes: Buffer }> {
  for (const run of runsOf(plan.groups)) {
    const [first, last] = [run[0]!, run.at(-1)!];
    const range = { from: first.at, to: last.at + last.size };
    const stream = await source.open(index.files[first.file]!, range.to - range.from, signal, range);
    if (stream === undefined) throw new DeltaError(`${index.files[first.file]} is missing`);
    let [held, at]: [Buffer[], number] = [[], range.from];
    let waiting = 0;
    for await (const chunk of stream) {
      onWire(chunk.length);
      held.push(chunk);
      for (let have = held.reduce((sum, { length }) => sum + length, 0); waiting < run.length;) {
        const group = run[waiting]!;
        if (at + have < group.at + group.size) break;
        const all = Buffer.concat(held);
        yield { group, bytes: all.subarray(group.at - at, group.at - at + group.size) };
        const rest = all.subarray(group.at - at + group.size);
        [held, at, have] = [[rest], group.at + group.size, rest.length];
        waiting++;
      }
    }
    if (waiting < run.length) throw new DeltaError(`${index.files[first.file]} ends early`);
  }
}

function runsOf(groups: readonly Group[]): Group[][] {
  const runs: Group[][] = [];
  const sorted = [...groups].sort((a, b) => a.file - b.file || a.at - b.at);
  for (const group of sorted) {
    const last = runs.at(-1)?.at(-1);
    const follows =
      last !== undefined && last.file === group.file && group.at >= last.at + last.size && group.at - last.at - last.size <= GAP;
    if (follows) runs.at(-1)!.push(group);
    else runs.push([group]);
  }
  return runs;
}
