import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { exec } from "#sys/exec.ts";
import { unifiedDiff } from "./diff.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-diff-"));
after(() => rmSync(folder, { recursive: true }));
const NAMES = { before: "a", after: "b" };

test("hunks have three lines around them, and a missing line end is said", () => {
  const before = Array.from({ length: 20 }, (_, line) => `${line}\n`).join("");
  assert.equal(
    unifiedDiff(before, before.replace("\n10\n", "\nten\n").replace(/19\n$/, "19"), NAMES),
    "--- a\n+++ b\n@@ -8,7 +8,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n@@ -17,4 +17,4 @@\n 16\n 17\n 18\n-19\n+19\n\\ No newline at end of file",
  );
  assert.equal(unifiedDiff("same\n", "same\n", NAMES), "");
  assert.equal(unifiedDiff("", "new\n", NAMES), "--- a\n+++ b\n@@ -0,0 +1 @@\n+new");
});

test("patch makes the new text of the old one, for any two texts", async () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "", "{", "long line"), { maxLength: 25 }).map((lines) => lines.join("\n"));
  await fc.assert(
    fc.asyncProperty(text, text, async (before, after) => {
      const difference = unifiedDiff(before, after, NAMES);
      assert.equal(difference === "", before === after);
      if (difference === "") return;
      const path = join(folder, "text");
      writeFileSync(path, before);
      await exec("patch", ["--silent", "--force", path], { input: `${difference}\n` });
      assert.equal(readIfThere(path), after);
    }),
    { numRuns: 40 },
  );
});

/** GNU patch removes a file that becomes empty. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
