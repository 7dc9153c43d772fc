import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { entriesOf } from "#formats/composefs/entries.ts";
import { renderDumpfile } from "#formats/composefs/dumpfile.ts";
import { silentReporter } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import { makeKeys, trustIn } from "../../../test/support/keys.ts";
import { exportFixture, ociParts } from "../../../test/support/oci-fixture.ts";
import { openTestStore, scratch } from "../../../test/support/release-fixture.ts";
import { fetchObjects } from "../fetch-objects.ts";
import { fetchRelease } from "../fetch.ts";
import { openSource } from "../source.ts";
import { groupPaths } from "./groups.ts";
import { findImage, importImage } from "./import.ts";
import { layoutRepository } from "./layout.ts";
import type { Descriptor } from "./manifest.ts";
import { TRUST_TAG } from "./trust.ts";

const place = scratch();
const keys = makeKeys(join(place.path, "keys"));
let store: Store;
before(async () => void (store = await openTestStore(join(place.path, "store"))));
after(async () => {
  await store.close();
  place[Symbol.dispose]();
});

const blobsOf = (folder: string): string[] => readdirSync(join(folder, "blobs/sha256")).sort();
let folders = 0;
const fresh = (): string => join(place.path, `folder-${folders++}`);

void test("an image that comes back from its layers is the same in every attribute", async () => {
  const parts = ociParts(store);
  const folder = fresh();
  await exportFixture(folder, parts, { keys });
  const other = await openTestStore(fresh());
  const layout = layoutRepository(folder);
  const found = await findImage(layout);
  const back = await silentReporter.step("import", (step) => importImage(layout, found, other, step));
  assert.equal(renderDumpfile(entriesOf(back.tree)), renderDumpfile(entriesOf(parts.tree)));
  assert.deepEqual(back.image, parts.image);
  for (const object of [back.image.kernel?.linux, back.image.kernel?.initrd, back.system, back.lock])
    assert.ok(object !== undefined && other.has(object));
  await other.close();
});

void test("the same image gives the same bytes", async () => {
  const [one, two] = [fresh(), fresh()];
  await exportFixture(one, ociParts(store), { keys });
  await exportFixture(two, ociParts(store), { keys });
  // But for who vouches for it until when.
  const rest = (folder: string): readonly Descriptor[] =>
    (JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as { manifests: Descriptor[] }).manifests.filter(
      ({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] !== TRUST_TAG,
    );
  assert.deepEqual(rest(one), rest(two));
  const both = new Set(blobsOf(two));
  assert.equal(blobsOf(one).filter((blob) => !both.has(blob)).length, 4, "targets, snapshot, timestamp and their artifact");
});

void test("a new version of one package changes its layer and the last, also when the time of the image changes", async () => {
  const folder = fresh();
  const before = await exportFixture(folder, ociParts(store), { keys });
  const after = await exportFixture(folder, ociParts(store, { version: "2", epoch: 1_800_000_000 }), { keys, sequence: 2 });
  const known = new Set(before.layers.map(({ descriptor }) => descriptor.digest));
  const changed = after.layers.filter(({ descriptor }) => !known.has(descriptor.digest)).map(({ group }) => group.name);
  assert.equal(changed.length, 2, changed.join(", "));
  assert.match(changed[0] ?? "", /^packages \d\d$/);
  assert.equal(changed[1], "config");
});

void test("every path is in one layer, and a hard link in that of its file", () => {
  const { tree } = ociParts(store);
  const groups = groupPaths(tree, (object) => store.read(object));
  const layerOf = new Map(groups.flatMap(({ name, paths }) => paths.map((path) => [path, name] as const)));
  assert.equal(
    layerOf.size,
    groups.reduce((sum, { paths }) => sum + paths.length, 0),
  );
  for (const [path, node] of tree.nodes) if (node.kind !== "directory") assert.ok(layerOf.has(path), path);
  assert.equal(layerOf.get("/usr/bin/zlink"), layerOf.get("/usr/bin/tool"));
  assert.equal(layerOf.get("/usr/lib/big/blob"), "package big");
  assert.equal(layerOf.get("/usr/bin/p4"), layerOf.get("/usr/lib/p4/data"));
  assert.equal(layerOf.get("/srv/empty"), "config");
});

void test("a machine takes a release from a layout: verified, and only what it lacks", async () => {
  const folder = fresh();
  const parts = ociParts(store, { version: "2" });
  await exportFixture(folder, ociParts(store), { keys });
  await exportFixture(folder, parts, { keys, sequence: 2 });
  const machine = await openTestStore(fresh());
  // What the first release brought.
  const [one] = [ociParts(machine)];
  const source = openSource(folder);
  const { release } = await fetchRelease(source, trustIn(keys));
  assert.deepEqual([release.sequence, release.image.digest], [2, parts.image.digest]);
  assert.notEqual(one.image.digest, parts.image.digest);
  const fetched = await silentReporter.step("fetch", (step) => fetchObjects(source, release.objects, machine, step));
  assert.ok(fetched.objects >= 3 && fetched.objects < 6, `${fetched.objects} objects`);
  for (const { object } of release.objects) assert.ok(machine.has(object), object);
  await machine.close();
});

void test("a barrier on the way to what the layout has last comes from its own image, with its objects", async () => {
  const folder = fresh();
  const versions = ["1", "2", "3"].map((version) => ociParts(store, { version }));
  for (const [at, parts] of versions.entries()) await exportFixture(folder, parts, { keys, sequence: at + 1, barrier: at === 1 });
  const source = openSource(folder);
  const { release, barrierTo } = await fetchRelease(source, trustIn(keys, { standing: { sequence: 1 } }));
  assert.deepEqual([release.sequence, release.image.digest, barrierTo], [2, versions[1]?.image.digest, 3]);
  const machine = await openTestStore(fresh());
  await silentReporter.step("fetch", (step) => fetchObjects(source, release.objects, machine, step));
  for (const { object } of release.objects) assert.ok(machine.has(object), object);
  await machine.close();
  const beyond = await fetchRelease(openSource(folder), trustIn(keys, { standing: { sequence: 2 } }));
  assert.deepEqual([beyond.release.sequence, beyond.barrierTo], [3, undefined]);
});

void test("a release by another key is refused before anything is fetched", async () => {
  const folder = fresh();
  await exportFixture(folder, ociParts(store), { keys });
  const stranger = makeKeys(join(place.path, `stranger-${folders}`));
  await assert.rejects(fetchRelease(openSource(folder), trustIn(stranger)), { code: "E_TRUST_UNSIGNED" });
});

void test("what no layer can hold is refused by its path", async () => {
  const parts = ociParts(store);
  const nodes = new Map(parts.tree.nodes);
  nodes.set("/usr/.wh.gone", { mode: 0o644, uid: 0, gid: 0, kind: "file", content: { inline: Buffer.alloc(0) } });
  await assert.rejects(exportFixture(fresh(), { ...parts, tree: { ...parts.tree, nodes } }, { keys }), {
    code: "E_OCI_TREE",
    message: /\/usr\/\.wh\.gone/,
  });
});

void test("a folder with something else in it is not made a layout", async () => {
  const folder = fresh();
  mkdirSync(folder);
  writeFileSync(join(folder, "index.json"), "{}");
  await assert.rejects(exportFixture(folder, ociParts(store), { keys }), { code: "E_OCI_LAYOUT" });
  assert.equal(readFileSync(join(folder, "index.json"), "utf8"), "{}");
});
