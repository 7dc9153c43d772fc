import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { AshlarError } from "#errors";
import type { TarEntry } from "./entry.ts";
import { readTar } from "./reader.ts";
import { writeTar } from "./writer.ts";

const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>() };
const folder = (path: string): TarEntry => ({ ...attributes, path, type: "directory" });
const file = (path: string, text = "x"): TarEntry => ({ ...attributes, path, type: "file", content: Buffer.from(text) });
const symlink = (path: string, target: string): TarEntry => ({ ...attributes, path, type: "symlink", target });
const hardlink = (path: string, target: string): TarEntry => ({ ...attributes, path, type: "hardlink", target });

const byteName = fc
  .string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength: 240 })
  .filter((name) => !name.includes("/") && name !== "." && name !== "..");
const anyEntry = fc
  .record({
    path: fc.array(byteName, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.nat(65535),
    gid: fc.nat(65535),
    mtime: fc.nat(2 ** 31),
    xattrs: fc
      .dictionary(fc.constantFrom("security.capability", "user.a"), byteName, { maxKeys: 2 })
      .map((record) => new Map(Object.entries(record))),
  })
  .chain((base) =>
    fc.oneof(
      fc.uint8Array({ maxLength: 1500 }).map((content): TarEntry => ({ ...base, type: "file", content: Buffer.from(content) })),
      byteName.map((target): TarEntry => ({ ...base, type: "symlink", target })),
    ),
  );

void test("every entry that is written is read again", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      assert.deepEqual(readTar(writeTar([entry])), [entry]);
    }),
    { numRuns: 200 },
  );
});

void test("folders, links and special files are read again, in order", () => {
  const entries: TarEntry[] = [
    folder("/"),
    folder("/usr"),
    file("/usr/a"),
    hardlink("/usr/b", "/usr/a"),
    symlink("/l", "/etc"),
    { ...attributes, path: "/null", type: "character", major: 1, minor: 3 },
    { ...attributes, path: "/pipe", type: "fifo" },
  ];
  assert.deepEqual(readTar(writeTar(entries), { special: true }), entries);
});

const refused = (bytes: Buffer, code: string, message?: RegExp): void =>
  assert.throws(
    () => readTar(bytes),
    (error: unknown) => {
      assert.ok(error instanceof AshlarError);
      assert.equal(error.code, code);
      assert.match(error.message, message ?? /^tar entry #\d+: /);
      return true;
    },
  );

/** Replaces bytes of the first header and mends its checksum. */
function withHeader(bytes: Buffer, at: number, text: string): Buffer {
  const changed = Buffer.from(bytes);
  changed.write(text, at, "latin1");
  changed.write(" ".repeat(8), 148, "latin1");
  const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return changed;
}

for (const [what, name] of [
  ["absolute", "/etc/passwd"],
  ["leaving by ..", "./a/../../etc/passwd"],
  ["leaving by .. after normalising", ".//./..//x"],
] as const)
  void test(`a path that is ${what} is refused`, () =>
    refused(withHeader(writeTar([file("/aaaaaaaaaaaaaaaaaaaaaaaa")]), 0, `${name}\0`), "E_TAR_PATH"));

void test("a component of 300 bytes and a path of 5000 are refused", () => {
  refused(writeTar([file(`/${"a".repeat(300)}`)]), "E_TAR_PATH");
  refused(writeTar([file(`/${"a/".repeat(2500)}b`)]), "E_TAR_PATH");
});

void test("a NUL inside a PAX path is refused", () => refused(writeTar([file(`/${"a".repeat(120)}\0b`)]), "E_TAR_PATH", /NUL/));

void test("a file through an earlier symbolic link is refused", () =>
  refused(writeTar([symlink("/a", "/etc"), file("/a/passwd")]), "E_TAR_LINK_TRAVERSAL", /#2: \/a\/passwd lies below \/a/));

void test("a folder in place of a symbolic link is refused", () =>
  refused(writeTar([symlink("/a", "/"), folder("/a")]), "E_TAR_TYPE_CHANGE"));

void test("the same file twice is refused, the same folder twice is not", () => {
  refused(writeTar([file("/a"), file("/a")]), "E_TAR_TYPE_CHANGE");
  assert.equal(readTar(writeTar([folder("/a"), folder("/a")])).length, 2);
});

for (const [what, entries] of [
  ["nothing", [hardlink("/a", "/missing")]],
  ["something later", [hardlink("/a", "/b"), file("/b")]],
  ["itself", [hardlink("/a", "/a")]],
  ["a folder", [folder("/d"), hardlink("/a", "/d")]],
  ["a symbolic link", [symlink("/l", "/etc/shadow"), hardlink("/a", "/l")]],
] as const)
  void test(`a hard link to ${what} is refused`, () => refused(writeTar(entries), "E_TAR_HARDLINK"));

void test("devices, FIFOs and sockets are refused unless asked for", () =>
  refused(writeTar([{ ...attributes, path: "/null", type: "character", major: 1, minor: 3 }]), "E_TAR_SPECIAL"));

/** An extended header with the given records before an ordinary file. */
function withPax(records: string): Buffer {
  const pax = withHeader(writeTar([file("/x", records)]), 156, "x").subarray(0, -1024);
  return Buffer.concat([pax, writeTar([file("/y", "content")])]);
}

for (const [what, records] of [
  ["a wrong length", "99 path=a\n"],
  ["no end of line", "9 path=ab"],
  ["a repeated key", "9 path=a\n9 path=b\n"],
  ["a size that is not the header's", "12 size=100\n"],
  ["a sparse file", "22 GNU.sparse.major=1\n"],
  ["an unknown key", "10 other=1\n"],
] as const)
  void test(`a PAX header with ${what} is refused`, () => refused(withPax(records), "E_TAR_PAX"));

void test("a good PAX header renames the entry", () => {
  assert.equal(readTar(withPax("11 path=new\n".replace("11", "12")))[0]?.path, "/new");
});

void test("global PAX headers are refused", () => refused(withHeader(writeTar([file("/x", "9 path=a\n")]), 156, "g"), "E_TAR_PAX"));

void test("two extended headers for one entry are refused", () => {
  const pax = withHeader(writeTar([file("/x", "9 path=a\n")]), 156, "x").subarray(0, -1024);
  const longName = withHeader(writeTar([file("/x", "long\0")]), 156, "L").subarray(0, -1024);
  refused(Buffer.concat([longName, pax, writeTar([file("/y")])]), "E_TAR_PAX");
});

void test("GNU long names are read", () => {
  const name = `./${"n".repeat(150)}`;
  const longName = withHeader(writeTar([file("/x", `${name}\0`)]), 156, "L").subarray(0, -1024);
  assert.equal(readTar(Buffer.concat([longName, writeTar([file("/y")])]))[0]?.path, name.slice(1));
});

void test("a wrong checksum, an unknown type and a sparse entry are refused", () => {
  const bytes = writeTar([file("/a")]);
  refused(Buffer.concat([Buffer.from("./b"), bytes.subarray(3)]), "E_TAR_SYNTAX", /checksum/);
  refused(withHeader(bytes, 156, "S"), "E_TAR_SYNTAX");
});

void test("every truncation is noticed", () => {
  const bytes = writeTar([folder("/"), file("/a", "y".repeat(700))]);
  for (let length = 0; length < bytes.length - 512; length += 97) refused(bytes.subarray(0, length), "E_TAR_TRUNCATED");
});

void test("something after the end mark is refused", () =>
  refused(Buffer.concat([writeTar([file("/a")]), writeTar([file("/b")])]), "E_TAR_SYNTAX", /after|follows/));

void test("more entries than the limit are refused", () => {
  assert.throws(() => readTar(writeTar([file("/a"), file("/b")]), { entries: 1 }), { code: "E_TAR_LIMIT" });
});
