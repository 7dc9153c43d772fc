import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { commandGroups } from "../../src/cli/commands.ts";
import { describeCommands } from "../../src/cli/parameters.ts";
import { runCli } from "../support/cli.ts";

/** A whole key would not fit a line that people read. */
const PUBLIC_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)} test`;

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

test("the config in README is right", async () => {
  const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const config = example.replace("ssh-ed25519 AAAA… you@laptop", PUBLIC_KEY);
  assert.notEqual(config, example);
  const folder = mkdtempSync(join(tmpdir(), "ashlar-readme-"));
  try {
    writeFileSync(join(folder, "system.ts"), config);
    const { exitCode, stderr } = await runCli(["check", folder]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("README types no command that the build host does not have", () => {
  const names = new Set(describeCommands(commandGroups).map(({ name }) => name.split(" ")[0]));
  const typed = [...readme.matchAll(/^(?:\.\.?\/)+ashlar ([a-z]+)/gm)].map((match) => match[1]);
  assert.ok(typed.length > 5);
  assert.deepEqual(
    typed.filter((name) => !names.has(name)),
    [],
  );
});
