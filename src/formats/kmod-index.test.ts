import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { writeKmodIndex } from "./kmod-index.ts";
import type { KmodIndexEntry } from "./kmod-index.ts";

const text = fc.stringMatching(/^[a-z0-9_:*]{1,8}$/);
const entries = fc.array(fc.record({ key: text, value: text }), { maxLength: 40 });

test("every key is found with all its values in the order they were given", () => {
  fc.assert(
    fc.property(entries, (list) => {
      const index = writeKmodIndex(list);
      for (const { key } of list) assert.deepEqual(search(index, key), valuesOf(list, key));
    }),
  );
});

test("a key that was not given is not found, also when it begins like one", () => {
  const index = writeKmodIndex([{ key: "virtio_blk", value: "a" }]);
  for (const key of ["virtio", "virtio_blk2", "", "x"]) assert.deepEqual(search(index, key), []);
});

test("an index is the bytes that depmod writes", () => {
  const index = writeKmodIndex([
    { key: "ab", value: "x" },
    { key: "ac", value: "y" },
  ]);
  assert.equal(
    index.toString("hex"),
    "b007f45700020001a0000020" + // magic, version, root: prefix and children at 0x20
      "000000010000000078" +
      "00" + // leaf "b": one value, priority 0, "x"
      "000000010000000179" +
      "00" + // leaf "c": one value, priority 1, "y"
      "6100" +
      "6263" +
      "4000000c" +
      "40000016", // root: prefix "a", children b–c
  );
});

const valuesOf = (list: readonly KmodIndexEntry[], key: string): string[] =>
  list.filter((entry) => entry.key === key).map(({ value }) => value);

/** Looks a key up as libkmod does, without its wildcards. */
function search(index: Buffer, key: string): string[] {
  let node = index.readUInt32BE(8);
  let rest = key;
  for (;;) {
    let at = node & 0x0fff_ffff;
    if ((node & 0x8000_0000) !== 0) {
      const end = index.indexOf(0, at);
      const prefix = index.toString("latin1", at, end);
      if (!rest.startsWith(prefix)) return [];
      rest = rest.slice(prefix.length);
      at = end + 1;
    }
    const children = (node & 0x2000_0000) === 0 ? undefined : { first: index[at] ?? 0, last: index[at + 1] ?? 0, table: at + 2 };
    if (children !== undefined) at = children.table + 4 * (children.last - children.first + 1);
    if (rest === "") return (node & 0x4000_0000) === 0 ? [] : readValues(index, at);
    const character = rest.charCodeAt(0);
    if (children === undefined || character < children.first || character > children.last) return [];
    node = index.readUInt32BE(children.table + 4 * (character - children.first));
    if (node === 0) return [];
    rest = rest.slice(1);
  }
}

function readValues(index: Buffer, start: number): string[] {
  let at = start + 4;
  return Array.from({ length: index.readUInt32BE(start) }, () => {
    const end = index.indexOf(0, at + 4);
    const value = index.toString("latin1", at + 4, end);
    at = end + 1;
    return value;
  });
}
