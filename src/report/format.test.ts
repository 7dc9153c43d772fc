import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, nat, property, string } from "fast-check";
import { formatBytes, formatCount, formatDuration } from "./format.ts";
import { table } from "./table.ts";
import { textWidth, truncate } from "./text-width.ts";

test("bytes are shown with three digits in decimal units", () => {
  const cases = {
    0: "0 B",
    999: "999 B",
    1000: "1.00 kB",
    1234567: "1.23 MB",
    999_499: "999 kB",
    999_999: "1.00 MB",
    88_200_000: "88.2 MB",
  };
  for (const [bytes, text] of Object.entries(cases)) assert.equal(formatBytes(Number(bytes)), text);
  assert.equal(formatBytes(-1500), "-1.50 kB");
});

test("no number of bytes takes more than eight characters", () => {
  check(property(nat({ max: 2 ** 50 }), (bytes) => formatBytes(bytes).length <= 8));
});

test("durations change their units as they grow", () => {
  const cases = {
    0: "0.00 s",
    400: "0.40 s",
    4210: "4.2 s",
    59_400: "59 s",
    59_700: "1 min 00 s",
    83_000: "1 min 23 s",
    7_500_000: "2 h 05 min",
  };
  for (const [milliseconds, text] of Object.entries(cases)) assert.equal(formatDuration(Number(milliseconds)), text);
});

test("counts are grouped and have a plural", () => {
  assert.equal(formatCount(1, "package"), "1 package");
  assert.equal(formatCount(0, "package"), "0 packages");
  assert.equal(formatCount(1_234_567, "entry", "entries"), "1,234,567 entries");
});

test("a table aligns its columns and cuts the one that may shrink", () => {
  const rows = [
    ["bash", "5.2.37-2+b5", "7.1 MB"],
    ["linux-image-6.12.48+deb13-amd64-with-a-long-name", "6.12.48-1", "102 MB"],
  ];
  const columns = [{ title: "Package", shrink: true }, { title: "Version" }, { title: "Size", align: "right" as const }];
  assert.deepEqual(table(rows, columns, 40).split("\n"), [
    "Package              Version        Size",
    "bash                 5.2.37-2+b5  7.1 MB",
    "linux-image-6.12.4…  6.12.48-1    102 MB",
  ]);
});

test("no table is wider than asked while its widest column can shrink", () => {
  check(
    property(array(string({ maxLength: 120 }), { minLength: 1, maxLength: 8 }), (names) => {
      const text = table(
        names.map((name) => [name, "x"]),
        [{ title: "Name", shrink: true }, { title: "Y" }],
        60,
      );
      return text.split("\n").every((line) => textWidth(line) <= 60);
    }),
  );
});

test("wide characters count two cells and are never cut in half", () => {
  assert.equal(textWidth("漢字a"), 5);
  assert.equal(truncate("漢字漢字", 6), "漢字…");
});
