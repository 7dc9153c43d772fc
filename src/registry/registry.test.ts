/** Publishing into a folder and fetching from it, over HTTP too, with what can be wrong on the way. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { makeKeys, trustIn } from "../../test/support/keys.ts";
import { makeImage, noise, openTestStore, scratch } from "../../test/support/release-fixture.ts";
import type { Image } from "../image/image.ts";
import { createReporter, silentReporter } from "../report/reporter.ts";
import type { ReportEvent } from "../report/reporter.ts";
import type { Store } from "../store/store.ts";
import { fetchObjects } from "./fetch-objects.ts";
import type { Fetched } from "./fetch-objects.ts";
import { fetchRelease } from "./fetch.ts";
import { manifestPath, objectPath } from "./layout.ts";
import { publish } from "./publish.ts";
import { parseRelease, renderRelease } from "./release.ts";
import type { Release, ReleaseObject } from "./release.ts";
import { serveFolder } from "./serve.ts";
import { openSource } from "./source.ts";
import { TIMESTAMP_FILE } from "./trust/layout.ts";
import type { ReleaseSource } from "./stream.ts";

const home = scratch();
after(() => home[Symbol.dispose]());
const pristine = join(home.path, "pristine");
const signing = makeKeys(join(home.path, "keys"));
const trust = trustIn(signing);
const large = noise(7, 3 * 1024 * 1024);
let store: Store;
let first: Release;
let second: Release;

before(async () => {
  store = await openTestStore(join(home.path, "store"));
  const publishAs = (image: Image) => publish({ image, store, folder: pristine, signing, report: silentReporter });
  first = await publishAs(makeImage(store, [noise(3, 100), noise(4, 70_000), large]));
  second = await publishAs(makeImage(store, [noise(3, 100), noise(5, 70_000), large]));
});
after(() => store.close());

/** A copy of the published folder to damage. */
function copyOfFolder(): string {
  const folder = join(home.path, `copy-${Math.random()}`);
  cpSync(pristine, folder, { recursive: true });
  return folder;
}

async function fetchAll(source: ReleaseSource, target: Store, objects: readonly ReleaseObject[]): Promise<Fetched> {
  return silentReporter.step("fetch", (step) => fetchObjects(source, objects, target, step));
}

async function emptyStore(): Promise<Store> {
  return openTestStore(join(home.path, `store-${Math.random()}`));
}

/** Says something else in a manifest, which nobody signs again. */
function rewrite(folder: string, sequence: number, change: (release: Release) => Release): void {
  const path = join(folder, manifestPath(sequence));
  writeFileSync(path, renderRelease(change(parseRelease(readFileSync(path), path))));
}

test("releases are numbered upwards and the newest is fetched, with every object", async () => {
  assert.deepEqual([first.sequence, second.sequence], [1, 2]);
  const source = openSource(pristine);
  const { release } = await fetchRelease(source, trust);
  assert.deepEqual(release, second);
  await using target = disposable(await emptyStore());
  const fetched = await fetchAll(source, target.store, release.objects);
  assert.equal(fetched.objects, release.objects.length);
  for (const { object } of release.objects) assert.deepEqual(target.store.read(object), store.read(object));
});

test("only missing objects travel", async () => {
  const server = await serveFolder(pristine);
  try {
    const source = openSource(server.address);
    await using target = disposable(await emptyStore());
    await fetchAll(source, target.store, first.objects);
    const before = server.sent();
    const fetched = await fetchAll(source, target.store, second.objects);
    // The file that changed and the image that names it.
    assert.equal(fetched.objects, 2);
    assert.ok(server.sent() - before < 80_000, `${server.sent() - before} bytes were sent`);
  } finally {
    await server.close();
  }
});

test("fetching reports its progress in bytes up to the total", async () => {
  const events: ReportEvent[] = [];
  await using target = disposable(await emptyStore());
  const reporter = createReporter((event) => events.push(event));
  await reporter.step("fetch", (step) => fetchObjects(openSource(pristine), second.objects, target.store, step));
  const last = events.findLast((event) => event.type === "progress");
  assert.equal(last?.done, last?.total);
  assert.equal(
    last?.total,
    second.objects.reduce((sum, { size }) => sum + size, 0),
  );
});

test("publishing the next release copies only new objects and leaves no temporary files", () => {
  const files = readdirSync(pristine, { recursive: true, encoding: "utf8" });
  const names = new Set([...first.objects, ...second.objects].map(({ object }) => objectPath(object)));
  assert.deepEqual(files.filter((path) => path.endsWith(".zst")).sort(), [...names].sort());
  assert.deepEqual(
    files.filter((path) => path.includes("tmp")),
    [],
  );
});

test("publishing an older or equal number, or another system, is refused and changes nothing", async () => {
  const folder = copyOfFolder();
  const { image } = first;
  const request = { image, store, folder, signing, report: silentReporter };
  await assert.rejects(publish({ ...request, sequence: 2 }), {
    code: "E_PUBLISH_SEQUENCE",
    message: /has release 2; 2 is not a later one/,
  });
  await assert.rejects(publish({ ...request, image: makeImage(store, [], "kiosk") }), {
    code: "E_PUBLISH_FOLDER",
    message: /releases of web/,
  });
  assert.deepEqual((await fetchRelease(openSource(folder), trust)).release, second);
});

test("a manifest that was altered after signing is refused, shorter, longer or as long as before", async () => {
  for (const change of [
    (release: Release): Release => ({ ...release, sequence: 9 }),
    (release: Release): Release => ({ ...release, expires: 4_000_000_000 }),
    ({ image, ...release }: Release): Release => ({ ...release, image: { ...image, boot: { ...image.boot, tries: 12 } } }),
  ]) {
    const folder = copyOfFolder();
    rewrite(folder, 2, change);
    await assert.rejects(fetchRelease(openSource(folder), trust), { code: "E_TRUST_MISMATCH", message: /2\.json is/ });
  }
});

test("a release that only strangers signed, or nobody, is refused", async () => {
  await assert.rejects(fetchRelease(openSource(pristine), trustIn(makeKeys(join(home.path, "stranger")))), { code: "E_TRUST_UNSIGNED" });
  await assert.rejects(fetchRelease(openSource(pristine), { ...trust, trusted: undefined }), { code: "E_TRUST_NO_ROOT" });
});

test("an older sequence, an expired release and another system's release are refused although they are signed", async () => {
  await assert.rejects(fetchRelease(openSource(pristine), { ...trust, minimumSequence: 3 }), {
    code: "E_RELEASE_OLDER",
    message: /release 2 is older than release 3, which this machine has had/,
  });
  await assert.rejects(fetchRelease(openSource(pristine), { ...trust, name: "kiosk" }), { code: "E_RELEASE_OTHER_SYSTEM" });
  const folder = copyOfFolder();
  await publish({ image: second.image, store, folder, signing, expires: 999, report: silentReporter });
  await assert.rejects(fetchRelease(openSource(folder), trust), { code: "E_RELEASE_EXPIRED", message: /expired on 1970-01-01T00:16:39Z/ });
});

test("a missing object is named, and what arrived is kept for the next attempt", async () => {
  const folder = copyOfFolder();
  const victim = second.objects.find(({ size }) => size === 70_000);
  assert.ok(victim);
  rmSync(join(folder, objectPath(victim.object)));
  await using target = disposable(await emptyStore());
  await assert.rejects(fetchAll(openSource(folder), target.store, second.objects), {
    code: "E_OBJECT_MISSING",
    message: new RegExp(objectPath(victim.object)),
  });
  assert.equal(target.store.has(victim.object), false);
  await fetchAll(openSource(pristine), target.store, second.objects);
  assert.ok(second.objects.every(({ object }) => target.store.has(object)));
});

test("an altered, truncated, longer or exploding object never gets the name of the right one", async () => {
  await using target = disposable(await emptyStore());
  for (const victim of second.objects.filter(({ size }) => size === 70_000 || size === large.length)) {
    const content = store.read(victim.object);
    const flipped = Buffer.from(content);
    flipped.writeUInt8(flipped.readUInt8(99) ^ 1, 99);
    const good = readFileSync(join(pristine, objectPath(victim.object)));
    const bad: Record<string, Buffer> = {
      flipped: zstdCompressSync(flipped),
      shorter: zstdCompressSync(content.subarray(1)),
      longer: zstdCompressSync(Buffer.concat([content, Buffer.from("x")])),
      exploding: zstdCompressSync(Buffer.alloc(16 * 1024 * 1024)),
      truncated: good.subarray(0, good.length - 10),
      "a captive portal": Buffer.from("<html>log in</html>"),
      "too many bytes": Buffer.alloc(victim.size * 2),
    };
    for (const [what, bytes] of Object.entries(bad)) {
      const folder = join(home.path, "damaged");
      mkdirSync(dirname(join(folder, objectPath(victim.object))), { recursive: true });
      writeFileSync(join(folder, objectPath(victim.object)), bytes);
      await assert.rejects(fetchAll(openSource(folder), target.store, [victim]), { code: "E_OBJECT_DIGEST" }, what);
      assert.equal(target.store.has(victim.object), false, what);
      assert.deepEqual(readdirSync(join(target.store.root, "tmp")), [], what);
      rmSync(folder, { recursive: true });
    }
  }
});

test("what is no release folder is said to be none", async () => {
  using empty = scratch();
  await assert.rejects(fetchRelease(openSource(empty.path), trust), { code: "E_SOURCE_FORMAT", message: /it has no ashlar\.json/ });
  writeFileSync(join(empty.path, "ashlar.json"), `{"format":"ashlar-releases","version":2}`);
  await assert.rejects(fetchRelease(openSource(empty.path), trust), { code: "E_SOURCE_FORMAT", message: /version: expected 1, got 2/ });
  assert.throws(() => openSource(join(empty.path, "nothing")), { code: "E_SOURCE_UNREACHABLE" });
});

test("a crash before the last step of publishing leaves the old release", async () => {
  const folder = copyOfFolder();
  const image = makeImage(store, [noise(11, 5000)]);
  await publish({ image, store, folder, signing, report: silentReporter });
  // The state just before the timestamp was renamed into place.
  writeFileSync(join(folder, TIMESTAMP_FILE), readFileSync(join(pristine, TIMESTAMP_FILE)));
  assert.deepEqual((await fetchRelease(openSource(folder), trust)).release, second);
  // Its number is used: somebody may have seen it.
  assert.equal((await publish({ image, store, folder, signing, report: silentReporter })).sequence, 4);
  assert.equal((await fetchRelease(openSource(folder), trust)).release.sequence, 4);
  assert.ok(existsSync(join(folder, manifestPath(3))));
});

function disposable(opened: Store): { store: Store; [Symbol.asyncDispose](): Promise<void> } {
  return { store: opened, [Symbol.asyncDispose]: () => opened.close() };
}
