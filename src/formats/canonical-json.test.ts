import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { canonicalJson, digestOf } from "./canonical-json.ts";

const text = fc.string({ unit: "grapheme" });
const json = fc.anything({
  key: text,
  maxDepth: 3,
  values: [text, fc.integer(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.double({ min: 0.001, max: 999, noNaN: true })],
});

test("the text does not depend on the order in which keys were written", () => {
  assert.equal(canonicalJson({ b: 1, a: [true, null, "x"], c: undefined }), '{"a":[true,null,"x"],"b":1}');
  fc.assert(
    fc.property(fc.dictionary(text, json), (record) => {
      const reversed = Object.fromEntries(Object.entries(record).reverse());
      assert.equal(canonicalJson(reversed), canonicalJson(record));
    }),
  );
});

test("what was written comes back, and is written the same again", () => {
  fc.assert(
    fc.property(json, (value) => {
      const written = canonicalJson(value);
      assert.deepEqual(JSON.parse(written), JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(JSON.parse(written)), written);
    }),
  );
});

test("keys are in code unit order, as RFC 8785 §3.2.3 has it", () => {
  assert.equal(
    canonicalJson({ "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 }),
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
  );
});

test("what JSON would change without a word is refused", () => {
  for (const value of [Number.NaN, Infinity, 2 ** 53, 1n, () => 1, Symbol("a"), undefined, new Map(), new Date(0), "\ud800"])
    assert.throws(() => canonicalJson([value]), TypeError);
});

test("the digest is the sha256 of the text", () => {
  assert.equal(digestOf({ b: 1, a: 2 }), "d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772");
});
