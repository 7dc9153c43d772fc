import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import { ENTRY_SECTOR, parseEntry, renderEntry } from "./entry.ts";
import type { BootEntry } from "./entry.ts";
import { entryFileName, generationOf, parseEntryName } from "./entry-name.ts";

const image = parseObjectId("a".repeat(64)) as ObjectId;
const web: BootEntry = {
  title: "Web (generation 2)",
  generation: 2,
  activation: 7,
  kernelId: "0123456789abcdef0123456789abcdef",
  image,
  arguments: ["console=ttyS0", 'dyndbg="file x.c +p"'],
};

test("an entry is the text that ARCHITECTURE.md shows", () => {
  assert.equal(
    renderEntry(web),
    `title Web (generation 2)
version 000007
sort-key ashlar
linux /ashlar/0123456789abcdef0123456789abcdef/linux
initrd /ashlar/0123456789abcdef0123456789abcdef/initrd
options composefs=${"a".repeat(64)} root=PARTLABEL=ashlar rootfstype=ext4 rw ashlar.generation=2 panic=30 console=ttyS0 dyndbg="file x.c +p"
`,
  );
});

const hex = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const argument = fc.oneof(fc.stringMatching(/^[a-z0-9=.,_-]{1,20}$/), fc.stringMatching(/^[a-z]{1,5}="[a-z ]{0,10}"$/));
const entry = fc.record(
  {
    title: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ()é-]{0,60}[A-Za-z0-9)]$/),
    generation: fc.integer({ min: 0, max: 999_999 }),
    activation: fc.integer({ min: 0, max: 999_999 }),
    kernelId: hex(32),
    image: hex(64).map((digits) => digits as ObjectId),
    arguments: fc.array(argument, { maxLength: 6 }),
  },
  { noNullPrototype: true },
);

test("parsing gives back what was rendered, and the version lies in the first sector", () => {
  fc.assert(
    fc.property(entry, (value) => {
      const text = renderEntry(value);
      assert.deepEqual(parseEntry(text), value);
      assert.ok(Buffer.from(text).indexOf(`\nversion ${String(value.activation).padStart(6, "0")}\n`) + 16 <= ENTRY_SECTOR);
    }),
  );
});

test("a title that pushes the version out of the first sector is refused", () => {
  assert.throws(() => renderEntry({ ...web, title: "x".repeat(500) }), { code: "E_ENTRY_TOO_LONG", message: /500 bytes/ });
});

test("an argument that would become two, or another line, is refused with what to do", () => {
  for (const bad of ["a b", "quiet\noptions init=/bin/sh", "", 'open="a'])
    assert.throws(() => renderEntry({ ...web, arguments: [bad] }), { code: "E_ENTRY_MALFORMED", hint: /quote/ });
});

test("a damaged entry says what is missing", () => {
  const text = renderEntry(web);
  assert.throws(() => parseEntry(text.replace(/^version .*\n/m, ""), "x.conf"), { message: /x\.conf: no version/ });
  assert.throws(() => parseEntry(text.replace(/composefs=\S+/, "composefs=zz"), "x.conf"), { message: /composefs=zz is no digest/ });
  assert.throws(() => parseEntry(text.replace("/ashlar/0123", "/../0123")), { message: /linux/ });
});

test("counters in file names are read as systemd-boot reads them", () => {
  const table: [string, ReturnType<typeof parseEntryName>][] = [
    ["ashlar-000002.conf", { id: "ashlar-000002" }],
    ["ashlar-000002+3.conf", { id: "ashlar-000002", tries: { left: 3, done: 0 } }],
    ["ashlar-000002+2-1.conf", { id: "ashlar-000002", tries: { left: 2, done: 1 } }],
    ["Ashlar-000002+0-3.CONF", { id: "ashlar-000002", tries: { left: 0, done: 3 } }],
    ["debian-1.2+dfsg.conf", { id: "debian-1.2+dfsg" }],
    ["debian-1.2+dfsg+1.conf", { id: "debian-1.2+dfsg", tries: { left: 1, done: 0 } }],
    ["x+3-.conf", { id: "x+3-" }],
    ["ashlar-000002+3.conf.abc123.tmp", undefined],
    [".hidden.conf", undefined],
  ];
  for (const [name, expected] of table) assert.deepEqual(parseEntryName(name), expected, name);
});

test("a file name leads back to its generation and tries", () => {
  fc.assert(
    fc.property(fc.nat(999_999), fc.nat(9), fc.nat(9), (generation, left, done) => {
      const name = parseEntryName(entryFileName(generation, { left, done }));
      assert.deepEqual(name?.tries, { left, done });
      assert.equal(generationOf(name?.id ?? ""), generation);
    }),
  );
  assert.equal(entryFileName(2), "ashlar-000002.conf");
  assert.equal(entryFileName(2, 3), "ashlar-000002+3.conf");
  assert.equal(generationOf("memtest"), undefined);
});
