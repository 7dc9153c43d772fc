/**
 * Any one byte of anything that is served is another one: the machine gets exactly the release by other means, or says what is
 * wrong and stays as it was. Never anything else, and never an object whose content is not that of its name.
 */
import assert from "node:assert/strict";
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { AshlarError } from "#errors";
import { verityDigest } from "#formats/fsverity.ts";
import type { ObjectId } from "#store/object.ts";
import { listObjects } from "#store/layout.ts";
import { seeded } from "../../faults/random.ts";
import { fakeMachine } from "../../support/fake-machine.ts";
import { bootState } from "../../support/machine-lab.ts";
import { openTestStore } from "../../support/release-fixture.ts";
import { openTrustLab, upgradeAt } from "../../support/trust-lab.ts";

/** Of each file. */
const FLIPS = 6;
const SEED = Date.now() % 2 ** 31;

void test("a flipped byte of any file of a release is found, or does no harm", async (t) => {
  await using lab = await openTrustLab();
  const release = await lab.publisher.release(lab.releases, 2);
  const random = seeded(SEED);
  const files = readdirSync(lab.releases, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  let [refused, made] = [0, 0];
  for (const path of files) {
    const good = readFileSync(path);
    for (let flip = 0; flip < FLIPS; flip++) {
      const at = random.below(good.length);
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << random.below(8);
      writeFileSync(path, bad);
      const what = `${relative(lab.releases, path)}, byte ${at} is ${bad[at]}, seed ${SEED}`;
      const root = lab.at("machine");
      cpSync(lab.machine.root, root, { recursive: true, verbatimSymlinks: true });
      const machine = fakeMachine(root);
      const before = bootState(machine);
      try {
        const { outcome } = await upgradeAt({ machine, releases: lab.releases }, {});
        assert.equal(outcome, "staged", what);
        assert.equal(await imageOf(root, 2), release.image.digest, what);
        made++;
      } catch (error) {
        assert.ok(error instanceof AshlarError, `${what}: ${String(error)}`);
        assert.match(error.code, /^E_(TRUST|SOURCE|RELEASE|OBJECT)_/, `${what}: ${error.message}`);
        assert.ok(isDeepStrictEqual(bootState(machine), before), what);
        refused++;
      }
      await sound(join(root, "sysroot/ashlar/store"), what);
      rmSync(root, { recursive: true });
    }
    writeFileSync(path, good);
  }
  t.diagnostic(`${files.length} files, ${refused} flips refused, ${made} of no consequence`);
  assert.ok(refused > 0 && made > 0, "signed files stand alone, objects come in several ways");
});

async function imageOf(root: string, generation: number): Promise<string> {
  const record = readFileSync(join(root, `sysroot/ashlar/deployments/${String(generation).padStart(6, "0")}.json`), "utf8");
  return (JSON.parse(record) as { image: { digest: ObjectId } }).image.digest;
}

async function sound(path: string, what: string): Promise<void> {
  const store = await openTestStore(path);
  for (const object of listObjects(path).ids) assert.equal(verityDigest(store.read(object)), object, what);
  await store.close();
}
