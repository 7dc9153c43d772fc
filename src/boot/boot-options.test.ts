import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { scratch } from "../../test/support/release-fixture.ts";
import { registerLoader } from "./boot-options.ts";

const home = scratch();
after(() => home[Symbol.dispose]());

const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const ESP = { number: 1, start: 2048, size: 4096, guid: "00112233-4455-6677-8899-aabbccddeeff" };

test("the loader comes first, several times, before what was there, and a later order of a person stays", () => {
  const variable = (name: string): string => join(home.path, `${name}-${GLOBAL}`);
  const order = (): string => readFileSync(variable("BootOrder")).toString("hex").slice(8);
  writeFileSync(variable("Boot0001"), Buffer.from("07000000aabb", "hex"));
  writeFileSync(variable("BootOrder"), Buffer.from("070000000100", "hex"));
  writeFileSync(variable("BootCurrent"), Buffer.from("060000000100", "hex"));
  assert.equal(registerLoader(home.path, ESP), true);
  assert.equal(order(), "00000200030004000100");
  assert.equal(readFileSync(variable("Boot0001"), "hex"), "07000000aabb");
  assert.match(readFileSync(variable("Boot0004")).toString("utf16le"), /Ashlar \(again 3\)\0/);
  const before = readdirSync(home.path);
  writeFileSync(variable("BootOrder"), Buffer.from("0700000001000000", "hex"));
  assert.equal(registerLoader(home.path, ESP), false);
  assert.equal(order(), "01000000");
  assert.deepEqual(readdirSync(home.path), before);
});

test("firmware that knows no boot option gets one", () => {
  using empty = scratch();
  assert.equal(registerLoader(empty.path, ESP), true);
  assert.equal(readFileSync(join(empty.path, `BootOrder-${GLOBAL}`)).toString("hex"), "070000000000010002000300");
});
