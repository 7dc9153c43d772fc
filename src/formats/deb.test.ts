import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { compressSync } from "@napi-rs/lzma/xz";
import { writeAr } from "./ar.ts";
import { readDeb } from "./deb.ts";
import type { TarEntry } from "./tar/entry.ts";
import { readTar } from "./tar/reader.ts";
import { writeTar } from "./tar/writer.ts";

const attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>() };
const file = (path: string, text: string): TarEntry => ({ ...attributes, path, type: "file", content: Buffer.from(text) });
const CONTROL = writeTar([file("/control", "Package: hello\nVersion: 1\nArchitecture: all\n"), file("/postinst", "#!/bin/sh\n")]);
const DATA = writeTar([file("/usr/bin/hello", "#!/bin/sh\necho hello\n")]);
const VERSION = { name: "debian-binary", content: Buffer.from("2.0\n") };

const COMPRESSIONS: readonly (readonly [string, (content: Buffer) => Buffer])[] = [
  ["", (content) => content],
  [".gz", (content) => gzipSync(content)],
  [".xz", (content) => compressSync(content)],
  [".zst", (content) => zstdCompressSync(content)],
];

for (const [ending, compress] of COMPRESSIONS)
  void test(`a package with data.tar${ending} is read`, async () => {
    const deb = await readDeb(
      writeAr([
        VERSION,
        { name: `control.tar${ending}`, content: compress(CONTROL) },
        { name: `data.tar${ending}`, content: compress(DATA) },
      ]),
    );
    assert.equal(deb.control.get("Package"), "hello");
    assert.deepEqual([...deb.members.keys()], ["postinst"]);
    assert.deepEqual(
      readTar(deb.dataTar).map(({ path }) => path),
      ["/usr/bin/hello"],
    );
  });

void test("a package that is cut off inside its compressed data is refused", async () => {
  const data = compressSync(DATA);
  const deb = writeAr([
    VERSION,
    { name: "control.tar", content: CONTROL },
    { name: "data.tar.xz", content: data.subarray(0, data.length - 20) },
  ]);
  await assert.rejects(readDeb(deb), { code: "E_XZ_SYNTAX" });
});

void test("a flipped byte in the compressed data is refused", async () => {
  const data = compressSync(DATA);
  data[40] = (data[40] ?? 0) ^ 0xff;
  await assert.rejects(readDeb(writeAr([VERSION, { name: "control.tar", content: CONTROL }, { name: "data.tar.xz", content: data }])), {
    code: "E_DECOMPRESS_CORRUPT",
  });
});

void test("a package without data, with two, or of another format is refused", async () => {
  const control = { name: "control.tar", content: CONTROL };
  const data = { name: "data.tar", content: DATA };
  for (const members of [
    [VERSION, control],
    [VERSION, control, data, data],
    [control, data],
  ])
    await assert.rejects(readDeb(writeAr(members)), { code: "E_DEB_SYNTAX" });
});
