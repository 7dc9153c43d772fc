import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { TarEntry } from "./entry.ts";
import { readTar } from "./reader.ts";
import { readTarStream } from "./stream.ts";
import { writeTar } from "./writer.ts";
import { sealHeader } from "../../../test/support/tar-seal.ts";

const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>() };
const file = (path: string, content: Buffer): TarEntry => ({ ...attributes, path, type: "file", content });

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collected(archive: Buffer, size: number): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const { entry, content } of readTarStream(pieces(archive, size))) {
    const bytes = Buffer.concat(await Array.fromAsync(content));
    entries.push(entry.type === "file" ? { ...entry, content: bytes } : entry);
  }
  return entries;
}

void test("however an archive is cut into pieces, it has the entries that the reader in memory finds", async () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 1400 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(contents, fc.integer({ min: 1, max: 2000 }), async (given, size) => {
      const archive = writeTar([
        ...given.map((content, at) => file(`/f${at}${"x".repeat(at * 40)}`, Buffer.from(content))),
        { ...attributes, path: "/link", type: "symlink", target: "t".repeat(150) },
      ]);
      assert.deepEqual(await collected(archive, size), readTar(archive));
    }),
    { numRuns: 60 },
  );
});

void test("content that is read in part, or not at all, is passed over", async () => {
  const archive = writeTar([file("/a", Buffer.alloc(5000, 1)), file("/b", Buffer.alloc(700, 2)), file("/c", Buffer.from("end"))]);
  const seen: string[] = [];
  for await (const { entry, content } of readTarStream(pieces(archive, 600))) {
    seen.push(entry.path);
    if (entry.path === "/a") for await (const _first of content) break;
    if (entry.path === "/c") assert.equal(Buffer.concat(await Array.fromAsync(content)).toString(), "end");
  }
  assert.deepEqual(seen, ["/a", "/b", "/c"]);
});

void test("an archive that ends anywhere before its end mark is refused", async () => {
  const archive = writeTar([file("/a", Buffer.alloc(700, 1)), file("/b", Buffer.alloc(3))]);
  for (const end of [0, 100, 512, 900, 1300, 1536, 2060])
    await assert.rejects(collected(archive.subarray(0, end), 333), { code: "E_TAR_TRUNCATED" });
});

void test("what follows the end mark, and headers without end, are refused", async () => {
  const archive = writeTar([file("/a", Buffer.alloc(1))]);
  await assert.rejects(collected(Buffer.concat([archive, Buffer.from("more")]), 512), { code: "E_TAR_SYNTAX" });
  const long = Buffer.from(writeTar([{ ...attributes, path: `/${"d/".repeat(70)}x`, type: "directory" }]));
  // The size of the extended header, and the checksum that belongs to it.
  const block = long.subarray(0, 512);
  block.write("77777777777\0", 124, "latin1");
  sealHeader(block);
  await assert.rejects(collected(long, 512), { code: "E_TAR_LIMIT" });
});
