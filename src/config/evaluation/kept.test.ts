import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findConfig } from "../project.ts";
import { evaluate } from "./evaluate.ts";

test("JavaScript that was kept is used while the text is the same, and only then", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-kept-"));
  try {
    const scripts = join(folder, "scripts");
    const path = join(folder, "system.ts");
    const value = async (): Promise<unknown> => {
      const outcome = await evaluate(findConfig(path), { scripts });
      return [outcome.kind === "value" && (outcome.value as { name: string }).name, outcome.scripts.missed];
    };
    writeFileSync(path, `const name: string = "one";\nexport default { name };\n`);
    assert.deepEqual(await value(), ["one", true]);
    assert.deepEqual(await value(), ["one", false]);
    const [file = ""] = readdirSync(scripts);
    const text = readFileSync(join(scripts, file), "utf8");
    writeFileSync(join(scripts, file), text.replaceAll(`\\"one\\"`, `\\"two\\"`).replace(`\\"two\\"`, `\\"one\\"`));
    assert.deepEqual(await value(), ["two", false], "what was kept is what runs");
    writeFileSync(path, `const name: string = "three";\nexport default { name };\n`);
    assert.deepEqual(await value(), ["three", true]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
