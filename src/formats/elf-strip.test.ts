import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { exec } from "../sys/exec.ts";
import { stripElf } from "./elf-strip.ts";

test("a stripped program still runs and is smaller", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-strip-"));
  try {
    const original = readFileSync("/bin/sh");
    // What an unstripped program has: bytes behind everything that is loaded.
    const stripped = stripElf(Buffer.concat([original, Buffer.alloc(100_000, 1)]));
    assert.ok(stripped.length <= original.length);
    const path = join(folder, "sh");
    writeFileSync(path, stripped);
    chmodSync(path, 0o755);
    const { stdout } = await exec(path, ["-c", "echo $((6 * 7))"]);
    assert.equal(stdout.toString(), "42\n");
    assert.deepEqual(stripElf(stripped), stripped);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is no program stays as it is", () => {
  const script = Buffer.from(`#!/bin/sh\n${"#".repeat(100)}`);
  assert.equal(stripElf(script), script);
});
