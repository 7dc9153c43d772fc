import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync, openSync, writeSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { hasErrno } from "#errors";
import { exec } from "#sys/exec.ts";
import { GPT_HEAD, GPT_TAIL, PARTITION_TYPE, SECTOR, readGpt, writeGpt } from "./gpt.ts";
import type { Gpt } from "./gpt.ts";

const MIB = 1024 * 1024;
const GUID = fc.uuid();

const sample: Gpt = {
  guid: "00112233-4455-6677-8899-aabbccddeeff",
  diskSize: 64 * MIB,
  partitions: [
    { type: PARTITION_TYPE.esp, guid: "10112233-4455-6677-8899-aabbccddeeff", name: "esp", start: MIB, size: 16 * MIB },
    { type: PARTITION_TYPE["root-x86-64"], guid: "20112233-4455-6677-8899-aabbccddeeff", name: "ashlar", start: 17 * MIB, size: 46 * MIB },
  ],
};

const gpts: fc.Arbitrary<Gpt> = fc
  .array(
    fc.record(
      {
        type: GUID,
        guid: GUID,
        name: fc.string({ maxLength: 18, unit: "grapheme" }),
        gap: fc.nat(9),
        sectors: fc.integer({ min: 1, max: 99 }),
      },
      { noNullPrototype: true },
    ),
    {
      maxLength: 8,
    },
  )
  .chain((parts) => {
    let at = GPT_HEAD;
    const partitions = parts
      .filter(({ name, type }) => name.length <= 36 && !/\0/.test(name) && !/^[0-]+$/.test(type))
      .map(({ type, guid, name, gap, sectors }) => {
        const start = at + gap * SECTOR;
        at = start + sectors * SECTOR;
        return { type, guid, name, start, size: sectors * SECTOR };
      });
    return fc.record(
      {
        guid: GUID,
        diskSize: fc.nat(50).map((spare) => at + spare * SECTOR + GPT_TAIL),
        partitions: fc.constant(partitions),
      },
      { noNullPrototype: true },
    );
  });

void test("any partition table reads back as it was written", () => {
  fc.assert(fc.property(gpts, (gpt) => assert.deepEqual(readGpt(writeGpt(gpt).head), gpt)));
});

void test("any changed byte of the header or the used entries is noticed", () => {
  fc.assert(
    fc.property(fc.integer({ min: SECTOR, max: SECTOR + 91 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const { head } = writeGpt(sample);
      head[at] = (head[at] ?? 0) ^ flip;
      assert.throws(() => readGpt(head), { code: "E_GPT_CORRUPT" });
    }),
  );
  const { head } = writeGpt(sample);
  head[2 * SECTOR + 130] = 0xff;
  assert.throws(() => readGpt(head), { code: "E_GPT_CORRUPT", message: /entries' checksum/ });
});

void test("partitions that overlap each other or the tables are refused", () => {
  const [esp, root] = sample.partitions as [Gpt["partitions"][0], Gpt["partitions"][0]];
  const layout = (partitions: Gpt["partitions"]) => (): unknown => writeGpt({ ...sample, partitions });
  assert.throws(layout([esp, { ...root, start: 16 * MIB }]), { code: "E_GPT_LAYOUT", message: /ashlar/ });
  assert.throws(layout([{ ...esp, start: 0 }]), { code: "E_GPT_LAYOUT" });
  assert.throws(layout([{ ...root, size: 47 * MIB }]), { code: "E_GPT_LAYOUT" });
  assert.throws(layout([{ ...esp, name: "e".repeat(37) }]), { code: "E_GPT_LAYOUT" });
});

void test("sgdisk verifies both tables", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-gpt-"));
  try {
    const path = join(folder, "disk");
    writeFileSync(path, "");
    truncateSync(path, sample.diskSize);
    const { head, tail } = writeGpt(sample);
    const fd = openSync(path, "r+");
    writeSync(fd, head, 0, head.length, 0);
    writeSync(fd, tail, 0, tail.length, sample.diskSize - tail.length);
    closeSync(fd);
    const { stdout } = await exec("sgdisk", ["-v", "-p", path]);
    assert.match(stdout.toString(), /No problems found/);
    assert.match(stdout.toString(), /EF00 {2}esp[^]*8304 {2}ashlar/);
  } catch (error) {
    if (error instanceof Error && hasErrno(error.cause, "ENOENT")) context.skip("sgdisk is not installed");
    else throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
});
