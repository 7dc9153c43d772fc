/** Differences between two releases, made by publishing and applied from a folder and over HTTP. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { makeKeys } from "../../../test/support/keys.ts";
import { makeImage, noise, openTestStore, scratch } from "../../../test/support/release-fixture.ts";
import type { Image } from "../../image/image.ts";
import { createReporter, silentReporter } from "../../report/reporter.ts";
import type { ReportEvent, Reporter } from "../../report/reporter.ts";
import type { Store } from "../../store/store.ts";
import { fetchObjects } from "../fetch-objects.ts";
import type { Fetched } from "../fetch-objects.ts";
import { publish } from "../publish.ts";
import type { Release } from "../release.ts";
import { serveFolder } from "../serve.ts";
import { openSource } from "../source.ts";
import { deltaFiles, packFiles } from "./layout.ts";

const home = scratch();
after(() => home[Symbol.dispose]());
const signing = makeKeys(join(home.path, "keys"));
let count = 0;
const fresh = (name: string): string => join(home.path, `${name}-${count++}`);

interface Published {
  readonly folder: string;
  readonly host: Store;
  readonly releases: readonly Release[];
}

/** One release for each list of file contents. */
async function publishAll(versions: readonly (readonly Buffer[])[]): Promise<Published> {
  const [folder, host] = [fresh("folder"), await openTestStore(fresh("host"))];
  const releases: Release[] = [];
  const publishOne = (image: Image): Promise<Release> => publish({ image, store: host, folder, signing, report: silentReporter });
  for (const contents of versions) releases.push(await publishOne(makeImage(host, contents)));
  return { folder, host, releases };
}

/** A machine's store with the objects of a release. */
async function machineWith({ folder, releases }: Published, at: number): Promise<Store> {
  const machine = await openTestStore(fresh("machine"));
  await fetchFrom(folder, releases[at]!, machine);
  return machine;
}

async function fetchFrom(
  address: string,
  release: Release,
  store: Store,
  from?: Release,
  report: Reporter = silentReporter,
): Promise<Fetched> {
  const bases = from === undefined ? [] : [{ image: from.image.digest, name: "generation 1" }];
  return report.step("fetch", (step) =>
    fetchObjects(openSource(address), release.objects, store, step, { image: release.image.digest, bases }),
  );
}

function holds(machine: Store, { host }: Published, release: Release): void {
  for (const { object } of release.objects) assert.deepEqual(machine.read(object), host.read(object));
}

const program = Buffer.concat([noise(1, 60_000), Buffer.alloc(30_000, 5), noise(2, 60_000)]);
const changed = Buffer.from(program);
for (let at = 500; at < changed.length; at += 9000) changed[at]! += 16;

void test("a changed file travels as what changed, and its size is said before", async () => {
  const published = await publishAll([
    [noise(3, 100), program],
    [noise(3, 100), changed],
  ]);
  const [old, release] = published.releases as [Release, Release];
  const machine = await machineWith(published, 0);
  const server = await serveFolder(published.folder);
  try {
    const events: ReportEvent[] = [];
    const fetched = await fetchFrom(
      server.address,
      release,
      machine,
      old,
      createReporter((event) => events.push(event)),
    );
    holds(machine, published, release);
    assert.equal(fetched.objects, 2);
    assert.equal(fetched.wire, server.sent());
    assert.ok(fetched.wire < 2000, `${fetched.wire} bytes`);
    const notes = events.flatMap((event) => (event.type === "note" ? [event.text] : []));
    assert.match(notes.join("\n"), /^downloads [\d.]+ (B|kB|KB|KiB|bytes) as a difference from generation 1: 2 objects$/m);
  } finally {
    await server.close();
    await machine.close();
    await published.host.close();
  }
});

void test("a machine without a fitting generation takes small objects from packs", async () => {
  const texts = (version: number): Buffer[] =>
    Array.from({ length: 60 }, (_, at) => Buffer.from(`file ${at} of version ${version}\n`.repeat(40)));
  const published = await publishAll([texts(1), texts(2)]);
  const [, release] = published.releases as [Release, Release];
  const machine = await openTestStore(fresh("machine"));
  const fetched = await fetchFrom(published.folder, release, machine);
  holds(machine, published, release);
  const alone = published.releases[1]!.objects.reduce(
    (sum, { object }) => sum + statSync(join(published.folder, `objects/${object.slice(0, 2)}/${object.slice(2)}.zst`)).size,
    0,
  );
  assert.ok(fetched.wire < alone, `${fetched.wire} bytes, ${alone} one by one`);
  await machine.close();
  await published.host.close();
});

void test("a second release packs only what the first one's packs do not have", async () => {
  const texts = Array.from({ length: 40 }, (_, at) => noise(at, 2000));
  const published = await publishAll([texts, [...texts.slice(1), noise(99, 2000)]]);
  const sizes = published.releases.map(({ image }) => statSync(join(published.folder, packFiles(image.digest).data)).size);
  assert.ok(sizes[1]! < sizes[0]! / 4, sizes.join(" "));
  const machine = await openTestStore(fresh("machine"));
  await fetchFrom(published.folder, published.releases[1]!, machine);
  holds(machine, published, published.releases[1]!);
  await machine.close();
  await published.host.close();
});

void test("there are differences from the last two images, and no temporary files", async () => {
  const published = await publishAll([1, 2, 3, 4].map((seed) => [noise(seed, 5000), program]));
  const images = published.releases.map(({ image }) => image.digest);
  const there = images.map((from) => existsSync(join(published.folder, deltaFiles(images[3]!, from).index)));
  assert.deepEqual(there, [false, true, true, false]);
  const files = readdirSync(published.folder, { recursive: true, encoding: "utf8" });
  assert.deepEqual(
    files.filter((path) => path.endsWith(".tmp")),
    [],
  );
  await published.host.close();
});

const content = fc.tuple(fc.nat(20), fc.nat(6000), fc.nat(255)).map(([seed, size, change]) => {
  const bytes = noise(seed, size);
  if (size > 0) bytes[change % size]! += change;
  return bytes;
});

void test("of any two trees, the difference makes the second one where the first one is", async () => {
  const tree = fc.array(content, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(tree, tree, async (before, next) => {
      const published = await publishAll([before, next]);
      const [old, release] = published.releases as [Release, Release];
      const machine = await machineWith(published, 0);
      await fetchFrom(published.folder, release, machine, old);
      holds(machine, published, release);
      await machine.close();
      await published.host.close();
    }),
    { numRuns: 25 },
  );
});
