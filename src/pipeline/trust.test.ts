import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeKeys, rootOf } from "../../test/support/keys.ts";
import { openTestStore, scratch } from "../../test/support/release-fixture.ts";
import { rotateRing } from "../registry/trust/rotation.ts";
import { refuseOtherRoot } from "./trust.ts";

const home = scratch();
after(() => home[Symbol.dispose]());

void test("an image that trusts others than those who sign it is not published; any root of theirs, or none, is", async () => {
  const store = await openTestStore(join(home.path, "store"));
  const keys = makeKeys(join(home.path, "keys"));
  const rotated = rotateRing(keys, { add: true, plain: true, now: Math.floor(Date.now() / 1000) });
  const stranger = makeKeys(join(home.path, "stranger"));
  const system = (root?: string) => store.add(Buffer.from(JSON.stringify({ updates: root === undefined ? {} : { root } })));
  for (const root of [rootOf(keys), String(rotated.roots[1]), undefined]) refuseOtherRoot(store, system(root), rotated);
  assert.throws(() => refuseOtherRoot(store, system(rootOf(stranger)), rotated), {
    code: "E_PUBLISH_ROOT",
    message: /machines with this image would refuse every later release/,
    hint: /keys\/2\.root\.json/,
  });
  refuseOtherRoot(store, system(rootOf(stranger)), "unsafe-unsigned");
  await store.close();
});
