import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { keepRecent } from "./recent.ts";

void test("what was asked for last is kept, what was not for longest is made again of what it was", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(8), { maxLength: 60 }), (most, asked) => {
      const made: number[] = [];
      const takeOf = keepRecent<{ number: number }>(most, (number, before = { number }) => {
        made.push(number);
        before.number = number;
        return before;
      });
      let kept: number[] = [];
      const expected: number[] = [];
      for (const number of asked) {
        assert.equal(takeOf(number).number, number);
        if (!kept.includes(number)) expected.push(number);
        kept = [...kept.filter((each) => each !== number), number].slice(-most);
      }
      assert.deepEqual(made, expected);
    }),
  );
});
