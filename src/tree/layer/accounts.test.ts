import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { memoryStore } from "../../../test/support/memory-store.ts";
import { draftOf, putFile, readText } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { numberAccounts, numbersOf } from "./accounts.ts";

const FILE = { mode: 0o644, uid: 0, gid: 0 } as const;
const PASSWD = "root:x:0:0::/root:/bin/sh\nmessagebus:x:101:101::/:/bin/false\nada:x:1000:1000::/home/ada:/bin/sh\n";
const GROUP = "root:x:0:\nusers:x:100:\nmessagebus:x:101:\nada:x:1000:\n";

function draft(files: Readonly<Record<string, string>>): Draft {
  const made = draftOf({ mtime: 0, nodes: new Map([["/", { kind: "directory", ...FILE, mode: 0o755 }]]) }, memoryStore());
  for (const [path, text] of Object.entries(files)) putFile(made, path, text, FILE);
  return made;
}

test("numbers follow from the names alone, are free, and differ", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 60 });
  fc.assert(
    fc.property(names, fc.uniqueArray(fc.integer({ min: 101, max: 999 }), { maxLength: 50 }), (all, used) => {
      const numbers = numbersOf(all, new Set(used));
      assert.deepEqual(Object.fromEntries(numbersOf(all.toReversed(), new Set(used))), Object.fromEntries(numbers));
      const given = [...numbers.values()];
      assert.equal(new Set(given).size, all.length);
      assert.ok(given.every((number) => number >= 500 && number <= 999 && !used.includes(number)));
    }),
  );
});

test("a full range is an error, not a number twice", () => {
  const names = Array.from({ length: 501 }, (_, at) => `n${at}`);
  assert.throws(() => numbersOf(names, new Set()), RangeError);
});

test("new accounts get their numbers, whatever the scripts gave them; the base's keep theirs and their lines", () => {
  const base = draft({ "/etc/passwd": PASSWD, "/etc/group": GROUP });
  const after = (first: number, second: number): Draft =>
    draft({
      "/etc/passwd": `${PASSWD}zed:x:${first}:${second}::/:/bin/false\nuuidd:x:${second}:${first}::/:/bin/false\n`,
      "/etc/group": `${GROUP.replace("users:x:100:", "users:x:100:zed")}uuidd:x:${first}:\nzed:x:${second}:\n`,
      "/etc/shadow": "root:*::::::\nmessagebus:!::::::\nada:!::::::\nzed:!::::::\nuuidd:!::::::\n",
    });
  const [one, other] = [after(102, 103), after(104, 999)];
  const { uids, gids } = numberAccounts(one, base);
  numberAccounts(other, base);
  const [uuidd, zed] = [numbersOf(["uuidd"], new Set()).get("uuidd"), numbersOf(["zed"], new Set()).get("zed")];
  assert.deepEqual([uids.get(103), uids.get(102), gids.get(102), gids.get(103)], [uuidd, zed, uuidd, zed]);
  for (const path of ["/etc/passwd", "/etc/group", "/etc/shadow"]) assert.equal(readText(one, path), readText(other, path), path);
  assert.ok(readText(one, "/etc/passwd")?.startsWith(PASSWD));
  assert.match(readText(one, "/etc/group") ?? "", /^users:x:100:zed$/m);
});
