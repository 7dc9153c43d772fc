/** Parsers of what comes from an archive, or from an image of somebody else. */
import { readFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readAr } from "#formats/ar.ts";
import { readDeb } from "#formats/deb.ts";
import type { Deb } from "#formats/deb.ts";
import { parseDeb822 } from "#formats/deb822.ts";
import { decompress } from "#formats/decompress.ts";
import { parseDependencies } from "#formats/dependency.ts";
import { readElfNeeds } from "#formats/elf.ts";
import { parsePackageIndex } from "#formats/package-index.ts";
import { readTar } from "#formats/tar/reader.ts";
import { readTarStream } from "#formats/tar/stream.ts";
import { writeTar } from "#formats/tar/writer.ts";
import { noise } from "../release-fixture.ts";
import { UNPACKED_MAX, ofText } from "./parser.ts";
import type { Parser } from "./parser.ts";
import { sealHeader } from "../tar-seal.ts";

const ATTRIBUTES = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000, xattrs: new Map([["user.a", "b"]]) };
const BLOCK = 512;
const ENTRIES = { entries: 1000 };

/** @param packages whole .deb files, small ones */
export async function packageParsers(packages: readonly Buffer[]): Promise<Parser[]> {
  const debs = await Promise.all(packages.map(readDeb));
  const all = everyKind();
  const tars = [all, ...debs.map(({ dataTar }) => dataTar).filter(({ length }) => length < 60_000)];
  const xz = packages.flatMap(readAr).filter(({ name }) => name.startsWith("control.tar.xz"));
  const unpack =
    (name: string): Parser["read"] =>
    (bytes) =>
      decompress(name, bytes, UNPACKED_MAX);
  return [
    { name: "ar", inputs: packages, read: readAr },
    { name: "deb", inputs: packages, read: readDeb },
    { name: "xz", inputs: xz.map(({ content }) => content), read: unpack("content.xz") },
    { name: "gzip", inputs: [gzipSync(all)], read: unpack("content.gz") },
    { name: "zstd", inputs: [zstdCompressSync(all)], read: unpack("content.zst") },
    { name: "tar in memory", inputs: tars, seal: sealTar, read: (bytes) => readTar(bytes, ENTRIES) },
    { name: "tar as it comes", inputs: tars, seal: sealTar, read: streamed },
    { name: "deb822", inputs: debs.map(({ controlText }) => Buffer.from(controlText)), read: ofText(parseDeb822) },
    { name: "index of packages", inputs: [Buffer.from(debs.map(stanza).join("\n"))], read: searched },
    {
      name: "dependencies",
      inputs: [Buffer.from("a (>= 1.2-3) | b [amd64], c:any (<< 2~)")],
      read: ofText(parseDependencies),
    },
    { name: "ELF", inputs: [readFileSync("/bin/true")], read: (bytes) => readElfNeeds(bytes, "true") },
  ];
}

function everyKind(): Buffer {
  return writeTar([
    { ...ATTRIBUTES, path: "/etc", type: "directory" },
    { ...ATTRIBUTES, path: `/etc/${"l".repeat(200)}`, type: "directory" },
    { ...ATTRIBUTES, path: "/etc/file", type: "file", content: noise(5, 700) },
    { ...ATTRIBUTES, path: "/etc/again", type: "hardlink", target: "/etc/file" },
    { ...ATTRIBUTES, path: "/etc/link", type: "symlink", target: "../".repeat(40) },
  ]);
}

/** The checksum of every block that looks like a header. */
function sealTar(bytes: Buffer): Buffer {
  const sealed = Buffer.from(bytes);
  for (let at = 0; at + BLOCK <= sealed.length; at += BLOCK) {
    const block = sealed.subarray(at, at + BLOCK);
    if (block.toString("latin1", 257, 262) !== "ustar") continue;
    sealHeader(block);
  }
  return sealed;
}

/** In pieces that end in the middle of headers. */
async function streamed(bytes: Buffer): Promise<void> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
  }
  for await (const { content } of readTarStream(pieces(), ENTRIES)) for await (const _piece of content);
}

/** As an archive's index has it. */
function stanza({ controlText }: Deb): string {
  return `${controlText.trimEnd()}\nFilename: pool/a.deb\nSize: 7\nSHA256: ${"a".repeat(64)}\n`;
}

/** Fields are read when a package is looked at. */
function searched(bytes: Buffer): void {
  const index = parsePackageIndex(bytes);
  for (const name of [...index.names()].slice(0, 3)) index.find(name);
  index.essential();
  index.providers("mail-agent");
}
