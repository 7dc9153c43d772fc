/**
 * What a mirror or a man in the middle can do to a difference. None of it is signed, so all of it may lie: the upgrade must
 * bring exactly the release by other means, say so, keep nothing that has not its digest, and use little memory.
 */
import assert from "node:assert/strict";
import { cpSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { brotliCompressSync, constants } from "node:zlib";
import * as fc from "fast-check";
import { DeltaError } from "#formats/delta/errors.ts";
import { verityDigest } from "#formats/fsverity.ts";
import { deltaFiles } from "#registry/delta/layout.ts";
import { GROUP_MAX, parseIndex, renderIndex } from "#registry/delta/index-file.ts";
import type { DeltaIndex, GroupPiece } from "#registry/delta/index-file.ts";
import { fetchObjects } from "#registry/fetch-objects.ts";
import type { Fetched } from "#registry/fetch-objects.ts";
import { publish } from "#registry/publish.ts";
import type { Release } from "#registry/release.ts";
import { openSource } from "#registry/source.ts";
import { createReporter, silentReporter } from "#report/reporter.ts";
import type { ReportEvent } from "#report/reporter.ts";
import { listObjects } from "#store/layout.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { makeKeys } from "../../support/keys.ts";
import { makeImage, noise, openTestStore, scratch } from "../../support/release-fixture.ts";

const home = scratch();
after(() => home[Symbol.dispose]());
const pristine = join(home.path, "pristine");
let [host, machine]: [Store | undefined, string] = [undefined, join(home.path, "machine")];
let releases: [Release, Release];
let count = 0;

before(async () => {
  const signing = makeKeys(join(home.path, "keys"));
  host = await openTestStore(join(home.path, "host"));
  const files = [0, 1, 2].map((at) => noise(at, 40_000));
  const made: Release[] = [];
  for (const change of [0, 77]) {
    const contents = files.map((file) => Buffer.from(file).fill(file[100]! + change, 100, 101));
    made.push(await publish({ image: makeImage(host, contents), store: host, folder: pristine, signing, report: silentReporter }));
  }
  releases = made as [Release, Release];
  const store = await openTestStore(machine);
  await silentReporter.step("install", (step) => fetchObjects(openSource(pristine), releases[0].objects, store, step));
  await store.close();
});
after(() => host?.close());

/** Zeros, packed as quickly as they unpack. */
function bomb(mebibytes: number): Buffer {
  return brotliCompressSync(Buffer.alloc(mebibytes * 1024 * 1024), { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } });
}

interface Attacked {
  readonly folder: string;
  readonly index: string;
  readonly data: string;
}

/** Damages a copy of the folder, upgrades a copy of the machine from it, and checks everything that must hold. */
async function attack(damage: (files: Attacked) => void): Promise<{ readonly fetched: Fetched; readonly notes: string }> {
  const folder = join(home.path, `folder-${count}`);
  cpSync(pristine, folder, { recursive: true });
  const { index, data } = deltaFiles(releases[1].image.digest, releases[0].image.digest);
  damage({ folder, index: join(folder, index), data: join(folder, data) });
  return upgradeFrom(folder);
}

/** @param damaged an object that is not what its name says before */
async function upgradeFrom(address: string, damaged?: ObjectId): Promise<{ readonly fetched: Fetched; readonly notes: string }> {
  const root = join(home.path, `machine-${count++}`);
  cpSync(machine, root, { recursive: true, verbatimSymlinks: true });
  const store = await openTestStore(root);
  const events: ReportEvent[] = [];
  const [old, release] = releases;
  const options = { image: release.image.digest, bases: [{ image: old.image.digest, name: "generation 1" }] };
  try {
    const reporter = createReporter((event) => events.push(event));
    const fetched = await reporter.step("fetch", (step) => fetchObjects(openSource(address), release.objects, store, step, options));
    const allowed = new Set([...old.objects, ...release.objects].map(({ object }) => object));
    for (const id of listObjects(root).ids) {
      assert.ok(allowed.has(id), `${id} is in the store`);
      if (id !== damaged) assert.equal(verityDigest(store.read(id)), id);
    }
    for (const { object } of release.objects) assert.ok(store.has(object), `${object} is missing`);
    assert.deepEqual(readdirSync(join(root, "tmp")), []);
    return {
      fetched,
      notes: events.flatMap((event) => (event.type === "note" && event.level === "warning" ? [event.text] : [])).join("\n"),
    };
  } finally {
    await store.close();
    rmSync(root, { recursive: true });
  }
}

/** Rewrites an index. */
function alter(path: string, change: (index: DeltaIndex) => unknown): void {
  writeFileSync(path, renderIndex(change(parseIndex(readFileSync(path))) as DeltaIndex));
}

function withPieces(index: DeltaIndex, change: (piece: GroupPiece) => GroupPiece): DeltaIndex {
  return { ...index, groups: index.groups.map((group) => ({ ...group, pieces: group.pieces.map(change) })) };
}

void test("an honest difference brings everything, and nothing is said", async () => {
  const { fetched, notes } = await attack(() => {});
  assert.equal(notes, "");
  assert.ok(fetched.wire < 5000, `${fetched.wire} bytes`);
});

const damages: Readonly<Record<string, (files: Attacked) => void>> = {
  "data that was altered": ({ data }) => writeFileSync(data, readFileSync(data).fill(0xff, 5, 9)),
  "data that ends early": ({ data }) => truncateSync(data, statSync(data).size - 3),
  "data of zero bytes": ({ data }) => truncateSync(data, 0),
  "data that is missing": ({ data }) => rmSync(data),
  "an index that was altered": ({ index }) => writeFileSync(index, readFileSync(index).fill(0xff, 10, 14)),
  "an index that is not brotli": ({ index }) => writeFileSync(index, "{}"),
  "an index of another image": ({ index }) => alter(index, (read) => ({ ...read, from: releases[1].image.digest })),
  "an index that is a bomb": ({ index }) => writeFileSync(index, bomb(200)),
  "an index that is endless": ({ index }) => writeFileSync(index, Buffer.alloc(9 * 1024 * 1024, 1)),
  "a group that is a bomb": ({ index, data }) => {
    const packed = bomb(500);
    writeFileSync(data, packed);
    alter(index, (read) => ({ ...read, groups: read.groups.map((group) => ({ ...group, at: 0, size: packed.length })) }));
  },
  "a file elsewhere": ({ index }) => {
    writeFileSync(
      index,
      brotliCompressSync(
        Buffer.from(
          JSON.stringify({ version: 3, extra: [], from: releases[0].image.digest, files: ["../../etc/shadow"], packed: [], groups: [] }),
        ),
      ),
    );
  },
  "pieces of other objects": ({ index }) => alter(index, (read) => withPieces(read, (piece) => ({ ...piece, place: piece.place ^ 1 }))),
  "other bases": ({ index }) =>
    alter(index, (read) => withPieces(read, (piece) => ({ ...piece, base: piece.base < 0 ? 0 : piece.base ^ 1 }))),
  "bases that do not exist": ({ index }) => alter(index, (read) => withPieces(read, (piece) => ({ ...piece, base: 1e9 }))),
  "lengths that lie": ({ index }) => alter(index, (read) => withPieces(read, (piece) => ({ ...piece, length: piece.length + 1 }))),
  "parts that lie": ({ index }) =>
    alter(index, (read) => withPieces(read, (piece) => ({ ...piece, steps: piece.steps + 1, fresh: Math.max(0, piece.fresh - 1) }))),
  "a piece of a terabyte": ({ index }) => alter(index, (read) => withPieces(read, (piece) => ({ ...piece, length: 2 ** 40 }))),
  "a group of more than it may have": ({ index }) =>
    alter(index, (read) => withPieces(read, (piece) => ({ ...piece, fresh: GROUP_MAX * 4 }))),
  "the same group many times": ({ index }) =>
    alter(index, (read) => ({ ...read, groups: Array.from({ length: 50 }, () => read.groups[0]) })),
};

for (const [what, damage] of Object.entries(damages))
  void test(`${what}: whole objects come instead, and it is said unless nothing could be used`, async () => {
    const { fetched } = await attack(damage);
    assert.equal(fetched.objects, 4);
  });

void test("damage is said, with the file", async () => {
  const { notes } = await attack(damages["data that was altered"]!);
  assert.match(notes, /deltas\/[0-9a-f]{64}\/[0-9a-f]{64}\.data: .*fetched whole instead/);
});

void test("a server that never ends what it sends is left after what was asked for", async () => {
  const { data } = deltaFiles(releases[1].image.digest, releases[0].image.digest);
  let sent = 0;
  const server = createServer((request, response) => {
    const path = join(pristine, new URL(request.url ?? "/", "http://localhost").pathname);
    const name = (request.url ?? "/").slice(1);
    if (name !== data) {
      try {
        response.end(readFileSync(path));
      } catch {
        response.writeHead(404).end();
      }
      return;
    }
    response.writeHead(206, { "content-type": "application/octet-stream" });
    const push = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65536, 1))) sent += 65536;
    };
    response.on("drain", push);
    push();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    const { notes } = await upgradeFrom(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assert.match(notes, /fetched whole instead/);
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were sent`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

void test("packs that lie are left for whole objects", async () => {
  const folder = join(home.path, "packs");
  cpSync(pristine, folder, { recursive: true });
  rmSync(join(folder, "deltas"), { recursive: true });
  for (const path of readdirSync(join(folder, "packs")))
    if (path.endsWith(".data")) writeFileSync(join(folder, "packs", path), noise(1, 999_999));
  const { fetched } = await upgradeFrom(folder);
  assert.equal(fetched.objects, 4);
});

void test("an index of any bytes is read or refused with an error of its own", () => {
  const real = readFileSync(join(pristine, deltaFiles(releases[1].image.digest, releases[0].image.digest).index));
  const runs = Number(process.env["ASHLAR_FUZZ_RUNS"] ?? 500);
  const mutated = fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }).map((changes) => {
    const bytes = Buffer.from(real);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const text = fc.json().map((json) => brotliCompressSync(Buffer.from(json)));
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        text,
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        try {
          for (const { pieces } of parseIndex(bytes).groups) assert.ok(pieces.reduce((sum, { length }) => sum + length, 0) <= GROUP_MAX);
        } catch (error) {
          assert.ok(error instanceof DeltaError, String(error));
        }
      },
    ),
    { numRuns: runs },
  );
});

void test("a base that is damaged on the machine makes no object with a wrong digest", async () => {
  const [old, release] = releases;
  const base = old.objects.find(({ object, size }) => size === 40_000 && !release.objects.some((each) => each.object === object));
  assert.ok(base !== undefined);
  const path = join(machine, "objects", base.object.slice(0, 2), base.object.slice(2));
  const whole = readFileSync(path);
  rmSync(path);
  writeFileSync(path, Buffer.from(whole).fill(1, 20_000, 20_100));
  try {
    const { notes } = await upgradeFrom(pristine, base.object);
    assert.match(notes, /fetched whole instead/);
  } finally {
    rmSync(path);
    writeFileSync(path, whole);
  }
});
