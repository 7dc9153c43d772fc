import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { GUIDE_PATH, guideText, inputTypes, TYPES_PATH } from "../../tools/config-docs.ts";
import { jsonSchema } from "./json-schema.ts";

test("the types that editors show are those of the schema (else: node tools/config-docs.ts)", () => {
  assert.equal(readFileSync(TYPES_PATH, "utf8"), inputTypes());
});

test("the guide describes every option of the schema (else: node tools/config-docs.ts)", () => {
  const guide = readFileSync(GUIDE_PATH, "utf8");
  assert.equal(guide, guideText(guide));
  assert.match(guide, /\| `users\.\*\.sshKeys` \|/);
});

test("every option of the JSON Schema has a description and unknown ones are refused", () => {
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties, additionalProperties } = node as Record<string, unknown>;
    if (properties !== undefined) {
      assert.equal(additionalProperties, false, path);
      for (const [name, option] of Object.entries(properties as Record<string, { description?: string }>))
        assert.ok(option.description?.endsWith("."), `${path}.${name}`);
    }
    for (const [key, inner] of Object.entries(node)) walk(inner, `${path}.${key}`);
  };
  walk(jsonSchema(), "schema");
});
