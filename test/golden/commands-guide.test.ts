import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commandGroups } from "../../src/cli/commands.ts";
import { commandsGuide } from "../../src/cli/guide.ts";

const path = join(import.meta.dirname, "../../docs/guide/commands.md");

test("docs/guide/commands.md says what the command table says (make docs writes it)", () => {
  const guide = commandsGuide(commandGroups);
  if (process.env["ASHLAR_ACCEPT"] === "1") writeFileSync(path, guide);
  assert.equal(readFileSync(path, "utf8"), guide);
});
