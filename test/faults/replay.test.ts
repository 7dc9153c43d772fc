/** The parts that judge power cuts, on logs that are written here. */
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { GptPartition } from "#formats/gpt.ts";
import { espCuts } from "./esp-cuts.ts";
import { nameOf, parseName, powerCuts } from "./power-cut-states.ts";
import type { Phase } from "./recording.ts";
import { openReplayedDisk } from "./replayed-disk.ts";
import { judge } from "./verdict.ts";
import { SECTOR, readWriteLog } from "./write-log.ts";
import type { LogEntry } from "./write-log.ts";

type Written = { readonly sector: number; readonly text: string } | "flush";
const DISK = 64 * 1024;

/** A disk of dots, and a log of what was written to it: each letter fills a sector. */
function recorded(
  t: TestContext,
  written: readonly Written[],
): { base: number; log: number; entries: LogEntry[]; size: number; path: string } {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-replay-"));
  const sectors: Buffer[] = [Buffer.alloc(SECTOR)];
  sectors[0]?.writeBigUInt64LE(0x6a736677736872n, 0);
  sectors[0]?.writeUInt32LE(SECTOR, 24);
  for (const item of written) {
    const head = Buffer.alloc(SECTOR);
    sectors.push(head);
    if (item === "flush") head.writeBigUInt64LE(1n, 16);
    else {
      head.writeBigUInt64LE(BigInt(item.sector), 0);
      head.writeBigUInt64LE(BigInt(item.text.length), 8);
      sectors.push(...item.text.split("").map((letter) => Buffer.alloc(SECTOR, letter)));
    }
  }
  const path = join(folder, "log");
  writeFileSync(path, Buffer.concat(sectors));
  writeFileSync(join(folder, "base"), Buffer.alloc(DISK, "."));
  const [base, log] = [openSync(join(folder, "base"), "r"), openSync(path, "r")];
  t.after(() => {
    closeSync(base);
    closeSync(log);
    rmSync(folder, { recursive: true });
  });
  return { base, log, entries: readWriteLog(path), size: DISK, path };
}

const WRITTEN: readonly Written[] = [{ sector: 1, text: "ab" }, "flush", { sector: 2, text: "cd" }, { sector: 4, text: "e" }, "flush"];
const phaseOf = (entries: readonly LogEntry[]): Phase => ({ name: "all", end: entries.at(-1)?.end ?? 0, allowed: [1], kept: {} });

test("a log says what was written where, and an entry that was cut short is dropped", (t) => {
  const { entries, path } = recorded(t, WRITTEN);
  assert.deepEqual(
    entries.map(({ kind, start, length }) => [kind, start / SECTOR, length / SECTOR]),
    [
      ["write", 1, 2],
      ["flush", 0, 0],
      ["write", 2, 2],
      ["write", 4, 1],
      ["flush", 0, 0],
    ],
  );
  writeFileSync(path, Buffer.alloc(2 * SECTOR));
  assert.throws(() => readWriteLog(path), /no log of writes/);
});

test("a power cut leaves what was flushed and the chosen writes after it, the last one in part", (t) => {
  const disk = openReplayedDisk(recorded(t, WRITTEN));
  const phase = phaseOf([]);
  const letters = (): string => Array.from({ length: 6 }, (_, sector) => disk.read(sector * SECTOR, 1).toString()).join("");
  const followed: number[] = [];
  disk.watch((ranges) => followed.push(ranges.length));
  disk.moveTo({ kind: "prefix", phase, durable: 0, extra: [] });
  assert.equal(letters(), "......");
  disk.moveTo({ kind: "reordered", phase, durable: 2, extra: [3] });
  assert.equal(letters(), ".ab.e.");
  disk.moveTo({ kind: "torn", phase, durable: 2, extra: [3, 2], torn: SECTOR });
  assert.equal(letters(), ".ac.e.");
  disk.moveTo({ kind: "prefix", phase, durable: 5, extra: [] });
  assert.equal(letters(), ".acde.");
  assert.deepEqual(followed, [0, 1, 0, 2]);
  assert.throws(() => disk.moveTo({ kind: "prefix", phase, durable: 2, extra: [] }), /forward only/);
  assert.equal(disk.sourceOf(0), undefined);
  assert.deepEqual([disk.isTouched({ offset: 0, length: SECTOR }), disk.isTouched({ offset: 8192, length: SECTOR })], [true, false]);
});

test("states keep what a flush made durable, are the same for the same seed, and can be named", (t) => {
  const { entries } = recorded(t, WRITTEN);
  const phases = [phaseOf(entries)];
  const cuts = powerCuts(entries, phases, { count: 50, seed: 7 });
  assert.deepEqual(powerCuts(entries, phases, { count: 50, seed: 7 }), cuts);
  assert.ok(cuts.length > 4 && new Set(cuts.map(nameOf)).size === cuts.length);
  for (const cut of cuts) {
    assert.ok(cut.durable === 0 || entries[cut.durable - 1]?.kind === "flush", nameOf(cut));
    for (const index of cut.extra)
      assert.ok(index >= cut.durable && !entries.slice(cut.durable, index).some(({ kind }) => kind === "flush"));
    assert.deepEqual(parseName(nameOf(cut), phases), cut);
  }
  assert.throws(() => parseName("all:prefix:x", phases), /names no state/);
});

test("every part of the few writes to the ESP between two flushes is tried", (t) => {
  const { entries } = recorded(t, WRITTEN);
  const esp = { start: 2 * SECTOR, size: 4 * SECTOR } as GptPartition;
  assert.deepEqual(
    espCuts(entries, [phaseOf(entries)], esp).map(({ durable, extra }) => [durable, ...extra]),
    [[0], [0, 0], [2], [2, 2], [2, 3], [2, 2, 3]],
  );
});

test("a verdict is bad for another generation, a missing record, a damaged image and a lost file", () => {
  const entry = { fileName: "ashlar-000002.conf", generation: 2, image: "x", startable: true };
  const esp = { problems: [], entries: [entry], next: 2 };
  const root = { problems: [], records: new Set([2]), images: new Map([["x", []]]), kept: new Map([["home/a", "1"]]) };
  const allowed = { generations: [1, 2], kept: { "home/a": "1" } };
  assert.deepEqual(judge(esp, root, allowed), []);
  assert.match(judge({ ...esp, next: 3 }, root, allowed).join(), /generation 3 starts/);
  assert.match(judge({ ...esp, next: undefined }, root, allowed).join(), /nothing starts/);
  assert.match(judge(esp, { ...root, records: new Set() }, allowed).join(), /no record/);
  assert.match(judge(esp, { ...root, images: new Map([["x", ["object y is missing"]]]) }, allowed).join(), /object y is missing/);
  assert.match(judge(esp, { ...root, images: new Map() }, allowed).join(), /not in the store/);
  assert.match(judge(esp, { ...root, kept: new Map() }, allowed).join(), /home\/a has undefined/);
  assert.deepEqual(judge({ ...esp, entries: [{ ...entry, startable: false }] }, { ...root, images: new Map() }, allowed), []);
});
