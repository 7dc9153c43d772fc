import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, integer, property, subarray } from "fast-check";
import { isWithinWindow, parseTimeWindow, windowCalendar } from "./time-window.ts";

/** 2026-11-23 is a Monday. */
const at = (day: number, hours: number, minutes = 0): Date => new Date(2026, 10, 22 + day, hours, minutes);
const within = (text: string, when: Date): boolean => {
  const window = parseTimeWindow(text);
  assert.ok(window !== undefined, text);
  return isWithinWindow(window, when);
};

test("a window begins at its first minute and ends before its last", () => {
  assert.ok(within("02:00-04:00", at(1, 2)));
  assert.ok(within("02:00-04:00", at(1, 3, 59)));
  assert.ok(!within("02:00-04:00", at(1, 4)));
  assert.ok(!within("02:00-04:00", at(1, 1, 59)));
});

test("a window over midnight belongs to the day on which it begins", () => {
  assert.ok(within("Sat 22:00-06:00", at(6, 23)));
  assert.ok(within("Sat 22:00-06:00", at(7, 5, 59)));
  assert.ok(!within("Sat 22:00-06:00", at(6, 5)));
  assert.ok(!within("Sat 22:00-06:00", at(7, 23)));
});

test("days are lists and ranges, also over the end of the week", () => {
  assert.deepEqual(parseTimeWindow("Mon..Wed,Sat 01:00-02:00")?.days, [1, 2, 3, 6]);
  assert.deepEqual(parseTimeWindow("Fri..Mon 01:00-02:00")?.days, [0, 1, 5, 6]);
  assert.equal(windowCalendar({ days: [0, 6], from: 1325, length: 5 }), "Sun,Sat *-*-* 22:05");
  assert.equal(windowCalendar({ days: [0, 1, 2, 3, 4, 5, 6], from: 0, length: 5 }), "*-*-* 00:00");
});

test("what is no window is none", () => {
  for (const text of [
    "",
    "2:00-4:00",
    "02:00",
    "24:00-02:00",
    "02:00-02:00",
    "Foo 02:00-03:00",
    "Mon, Tue 02:00-03:00",
    "02:60-03:00",
    "Mon  02:00-03:00",
  ])
    assert.equal(parseTimeWindow(text), undefined, text);
  assert.equal(parseTimeWindow("00:00-24:00")?.length, 1440);
});

test("of any window as many minutes of a week lie within as its days and its length say", () => {
  check(
    property(
      subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 }),
      integer({ min: 0, max: 95 }),
      integer({ min: 1, max: 95 }),
      (days, from, length) => {
        const window = { days, from: from * 15, length: length * 15 };
        const quarters = Array.from({ length: 7 * 96 }, (_unused, quarter) => at(1 + Math.floor(quarter / 96), 0, (quarter % 96) * 15));
        assert.equal(quarters.filter((when) => isWithinWindow(window, when)).length, days.length * length);
      },
    ),
    { numRuns: 50 },
  );
});
