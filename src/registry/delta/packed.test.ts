/** Initrds and kernels travel as what changed inside them, and a machine makes the file of it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { endingAfter } from "../../../test/support/ending-source.ts";
import { makeKeys } from "../../../test/support/keys.ts";
import { makeImage, noise, openTestStore, scratch } from "../../../test/support/release-fixture.ts";
import { FRAMED } from "../../formats/delta/framed.ts";
import { pack, unpack } from "../../formats/packed.ts";
import { createReporter, silentReporter } from "../../report/reporter.ts";
import type { Store } from "../../store/store.ts";
import { fetchObjects } from "../fetch-objects.ts";
import { objectsOf } from "../objects-of.ts";
import { GZIP, gzip } from "./gzip.ts";
import { renderIndex } from "./index-file.ts";
import type { DeltaIndex } from "./index-file.ts";
import { deltaFiles } from "./layout.ts";
import { makeDelta } from "./make.ts";
import type { Side } from "./make.ts";
import { openSource } from "../source.ts";
import { publish } from "../publish.ts";

const home = scratch();
after(() => home[Symbol.dispose]());
const signing = makeKeys(join(home.path, "keys"));
let count = 0;
const fresh = (name: string): string => join(home.path, `${name}-${count++}`);

const archive = noise(7, 2_500_000);
const changed = Buffer.from(archive);
for (let at = 1000; at < changed.length; at += 300_000) changed[at]! += 3;

interface Updated {
  readonly host: Store;
  readonly folder: string;
  readonly sides: readonly [Side, Side];
  readonly index: DeltaIndex;
}

/** Two published releases that differ in their initrd, and in a file. */
async function updated(initrds: readonly [Buffer, Buffer], files: readonly Buffer[] = []): Promise<Updated> {
  const [host, folder] = [await openTestStore(fresh("host")), fresh("folder")];
  const images = initrds.map((initrd, at) => {
    const image = makeImage(host, [files[at] ?? noise(3, 100), Buffer.from(`release ${at} `.repeat(30))]);
    return { ...image, kernel: { ...image.kernel!, initrd: host.add(initrd) } };
  });
  for (const image of images) await publish({ image, store: host, folder, signing, report: silentReporter });
  const sides = images.map((image): Side => ({
    image: image.digest,
    boot: [image.kernel.linux, image.kernel.initrd],
    objects: objectsOf(image, host),
    read: (object) => host.read(object),
  })) as [Side, Side];
  const index = await silentReporter.step("make", (step) =>
    makeDelta(sides[0], sides[1], { path: "deltas/x.data", write: () => {} }, step),
  );
  return { host, folder, sides, index };
}

interface Upgrade {
  readonly wire: number;
  readonly notes: readonly string[];
}

async function machineOf({ host, sides }: Updated): Promise<Store> {
  const machine = await openTestStore(fresh("machine"));
  for (const { object } of sides[0].objects) machine.add(host.read(object));
  return machine;
}

/** @returns bytes on the wire, and what was said */
async function upgrade(update: Updated, source = openSource(update.folder), given?: Store): Promise<Upgrade> {
  const { host, sides } = update;
  const [from, to] = sides;
  const machine = given ?? (await machineOf(update));
  const notes: string[] = [];
  const report = createReporter((event) => void (event.type === "note" && event.level === "warning" && notes.push(event.text)));
  const bases = [{ image: from.image, name: "generation 1" }];
  const { wire } = await report.step("fetch", (step) => fetchObjects(source, to.objects, machine, step, { image: to.image, bases }));
  for (const { object } of to.objects) assert.deepEqual(machine.read(object), host.read(object));
  await machine.close();
  return { wire, notes };
}

void test("what is packed is unpacked, and everything else is not", () => {
  assert.deepEqual(unpack(pack(archive)), archive);
  for (const bytes of [archive, Buffer.alloc(0), pack(archive).subarray(0, 5000)]) assert.equal(unpack(bytes), undefined);
});

void test("an initrd whose content changed in a few places costs few bytes", async () => {
  const update = await updated([pack(archive), pack(changed)]);
  assert.equal(update.index.packed.length, 1);
  const { wire, notes } = await upgrade(update);
  assert.ok(wire < 3000, `${wire} bytes`);
  assert.deepEqual(notes, []);
  await update.host.close();
});

void test("an initrd that packing does not make again costs little too: what its compressor chose is sent", async () => {
  const text = Buffer.from(Array.from({ length: 60_000 }, (_, at) => `${(at * at) % 9973} of ${(at * 31) % 10007}\n`).join(""));
  const other = Buffer.from(text);
  for (let at = 1000; at < other.length; at += 27_000) other[at]! += 1;
  const [before, next] = [text, other].map((content) => zstdCompressSync(content, { params: { 100: 17 } })) as [Buffer, Buffer];
  const update = await updated([before, next]);
  assert.deepEqual(
    update.index.packed.map(({ how }) => how),
    [FRAMED],
  );
  const { wire, notes } = await upgrade(update);
  assert.ok(wire < next.length / 5, `${wire} of ${next.length} bytes`);
  assert.deepEqual(notes, []);
  await update.host.close();
});

void test("a killed transfer of what is packed goes on with the pieces that are there, wherever it ended", async () => {
  const update = await updated([pack(archive), pack(Buffer.concat([randomBytes(2_000_000), changed]))]);
  const whole = await upgrade(update);
  for (const part of [0.3, 0.6, 0.95]) {
    const machine = await machineOf(update);
    await assert.rejects(upgrade(update, endingAfter(openSource(update.folder), part * whole.wire), machine), /killed/);
    const { wire, notes } = await upgrade(update, openSource(update.folder), machine);
    assert.ok(wire < (1 - part) * whole.wire + 800_000, `${wire} of ${whole.wire} bytes after ${part}`);
    assert.deepEqual(notes, []);
  }
  await update.host.close();
});

void test("a changelog that gzip compressed travels as what was added to it, whether it is made at once or in pieces", async () => {
  for (const lines of [400, 40_000]) {
    const text = Array.from({ length: lines }, (_, at) => `  * Change ${(at * at) % 9973} of ${(at * 31) % 10007}\n`).join("");
    const [old, next] = await Promise.all([text, `  * One more.\n${text}`].map((each) => gzip(Buffer.from(each))));
    const update = await updated([archive, archive], [old!, next!]);
    assert.deepEqual(
      update.index.packed.map(({ how }) => how),
      [GZIP],
    );
    const machine = await machineOf(update);
    const { wire, notes } = await upgrade(update, openSource(update.folder), machine);
    assert.ok(wire < 2000, `${wire} bytes of ${next!.length}`);
    assert.deepEqual(notes, []);
    await update.host.close();
  }
});

void test("what another gzip made, and what is damaged, travels as it is", async () => {
  const text = Buffer.from("A changelog has many lines.\n".repeat(3000) + noise(5, 4000).toString("hex"));
  const [before, other] = [gzipSync(text, { level: 1 }), gzipSync(Buffer.concat([text, Buffer.from("more")]), { level: 1 })];
  const cut = (await gzip(text)).subarray(0, -9);
  for (const files of [
    [before, other],
    [before, cut],
    [cut, before],
  ]) {
    const update = await updated([archive, archive], files);
    assert.deepEqual(update.index.packed, []);
    assert.deepEqual((await upgrade(update)).notes, []);
    await update.host.close();
  }
});

void test("an initrd whose predecessor is no packed file is sent as it is", async () => {
  const update = await updated([archive, pack(changed)]);
  assert.deepEqual(update.index.packed, []);
  await upgrade(update);
  await update.host.close();
});

void test("a machine that packs in another way fetches that object whole, and all else as a difference", async () => {
  const update = await updated([pack(archive), pack(changed)]);
  const path = join(update.folder, deltaFiles(update.sides[1].image, update.sides[0].image).index);
  const before = readFileSync(path);
  const packed = update.index.packed.map((each) => ({ ...each, how: "zstd-9.9.9-9" }));
  writeFileSync(path, renderIndex({ ...update.index, files: [path.slice(update.folder.length + 1).replace(/index$/, "data")], packed }));
  assert.notDeepEqual(readFileSync(path), before);
  const { wire, notes } = await upgrade(update);
  assert.ok(wire > pack(changed).length * 0.9, `${wire} bytes`);
  assert.deepEqual(notes, []);
  await update.host.close();
});
