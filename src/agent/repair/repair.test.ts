/** A machine in a folder is damaged and healed, with the machine's own program. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { ashlar, openLab, publisherHere } from "../../../test/support/machine-lab.ts";
import type { Lab } from "../../../test/support/machine-lab.ts";
import type { Image } from "../../image/image.ts";

interface Fsck {
  readonly problems: readonly { readonly kind: string }[];
  readonly boot: readonly string[];
  readonly healed: readonly string[];
  readonly rewritten: readonly string[];
  readonly failures: readonly { readonly source: string }[];
  readonly left: number;
}

const { home, publisher } = await publisherHere();
let lab: Lab;
let image: Image;
let count = 0;

beforeEach(async () => {
  lab = await openLab(join(home.path, `lab-${++count}`), publisher);
  // A generation that came from a release has an origin; one that came on a disk has none.
  image = (await publisher.release(lab.releases, 2)).image;
  assert.equal((await ashlar(lab.machine, "upgrade")).exitCode, 0);
  lab.machine.boot();
});

test("a flipped byte is found, stays where it is until it can be replaced, and is replaced by what was published", async () => {
  const object = anyContent();
  const whole = readFileSync(pathOf(object));
  flip(pathOf(object));
  const found = await fsck();
  assert.deepEqual([found.problems.map(({ kind }) => kind), found.left], [["corrupt"], 1]);
  const repaired = await fsck("--repair");
  assert.deepEqual([repaired.healed, repaired.left], [[object], 0]);
  assert.deepEqual(readFileSync(pathOf(object)), whole);
  assert.deepEqual((await fsck()).problems, []);
});

test("without a source nothing is removed, and what would heal it is said", async () => {
  const object = anyContent();
  flip(pathOf(object));
  const damaged = readFileSync(pathOf(object));
  renameSync(lab.releases, `${lab.releases}-away`);
  const { exitCode, out } = await ashlar(lab.machine, "fsck", "--repair");
  assert.equal(exitCode, 1);
  assert.match(out, /generation 2 needs 1 damaged object\n1 problem left; `ashlar fsck --repair --from SOURCE`/);
  assert.deepEqual(readFileSync(pathOf(object)), damaged);
  const repaired = await fsck("--repair", "--from", `${lab.releases}-away`);
  assert.deepEqual([repaired.healed, repaired.left], [[object], 0]);
});

test("missing content, a missing kernel and a missing image come back, and nothing else is fetched", async () => {
  const lost = [anyContent(), image.digest, image.kernel!.linux].sort();
  for (const object of lost) rmSync(pathOf(object));
  rmSync(join(lab.machine.root, "sysroot/ashlar/store/images", image.digest));
  const repaired = await fsck("--repair");
  assert.deepEqual([repaired.healed.toSorted(), repaired.left], [lost, 0]);
  assert.ok(existsSync(join(lab.machine.root, "sysroot/ashlar/store/images", image.digest)));
  assert.deepEqual((await fsck()).problems, []);
});

test("a damaged image hides what it names: both are healed", async () => {
  const lost = [anyContent(), image.digest].sort();
  rmSync(pathOf(lost.find((object) => object !== image.digest)!));
  flip(pathOf(image.digest));
  const repaired = await fsck("--repair");
  assert.deepEqual([repaired.healed.toSorted(), repaired.left], [lost, 0]);
});

test("an altered object at the source heals nothing and replaces nothing", async () => {
  const object = anyContent();
  flip(pathOf(object));
  const damaged = readFileSync(pathOf(object));
  writeFileSync(join(lab.releases, `objects/${object.slice(0, 2)}/${object.slice(2)}.zst`), "nonsense");
  const repaired = await fsck("--repair");
  assert.deepEqual([repaired.healed, repaired.failures.length > 0, repaired.left], [[], true, 1]);
  assert.deepEqual(readFileSync(pathOf(object)), damaged);
});

test("a kernel on the ESP is compared with the store's, and written again without any source", async () => {
  const folder = join(lab.machine.root, "efi/ashlar");
  const linux = join(folder, readdirSync(folder)[0] ?? "", "linux");
  const initrd = linux.replace(/linux$/, "initrd");
  const [whole, other] = [readFileSync(linux), readFileSync(initrd)];
  renameSync(lab.releases, `${lab.releases}-away`);
  flip(linux);
  assert.deepEqual((await fsck()).boot, [linux]);
  assert.deepEqual((await fsck("--repair")).rewritten, [linux]);
  assert.deepEqual(readFileSync(linux), whole);
  rmSync(initrd);
  assert.deepEqual((await fsck("--repair")).rewritten, [initrd]);
  assert.deepEqual([readFileSync(linux), readFileSync(initrd)], [whole, other]);
  assert.equal((await fsck()).left, 0);
});

async function fsck(...args: string[]): Promise<Fsck> {
  const { exitCode, out, err } = await ashlar(lab.machine, "fsck", ...args, "--json");
  const result = JSON.parse(out === "" ? err : out) as Fsck;
  assert.equal(exitCode, result.left === 0 ? 0 : 1, err);
  return result;
}

/** An object of generation 2 that is neither its image nor its kernel. */
function anyContent(): string {
  const special: readonly string[] = [image.digest, image.kernel!.linux, image.kernel!.initrd];
  const release = JSON.parse(readFileSync(join(lab.releases, "releases/2.json"), "utf8")) as { objects: { object: string }[] };
  const found = release.objects.find(({ object }) => !special.includes(object));
  assert.ok(found);
  return found.object;
}

function pathOf(object: string): string {
  return join(lab.machine.root, "sysroot/ashlar/store/objects", object.slice(0, 2), object.slice(2));
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}
