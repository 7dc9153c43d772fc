import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { compressSync } from "@napi-rs/lzma/xz";
import { zstdCompressSync } from "node:zlib";
import { memoryStore } from "../../../test/support/memory-store.ts";
import { draftOf, putFile, putSymlink, readText } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { unpackModules } from "./modules.ts";

const FILE = { uid: 0, gid: 0, mode: 0o644 } as const;
const HOME = "/usr/lib/modules/6.12";
const ONE = Buffer.from("one".repeat(500));
const TWO = Buffer.from("two".repeat(500));
const md5 = (content: Buffer | string): string => createHash("md5").update(content).digest("hex");

function packedDraft(): Draft {
  const draft = draftOf({ mtime: 5, nodes: new Map([["/", { kind: "directory", mode: 0o755, uid: 0, gid: 0 }]]) }, memoryStore());
  putFile(draft, `${HOME}/kernel/one.ko.xz`, compressSync(ONE), { uid: 3, gid: 4, mode: 0o640 });
  putFile(draft, `${HOME}/kernel/two-b.ko.zst`, zstdCompressSync(TWO), FILE);
  putSymlink(draft, `${HOME}/weak/one.ko.xz`, "../kernel/one.ko.xz");
  putFile(draft, `${HOME}/kernel/three.ko`, "three", FILE);
  putFile(draft, `${HOME}/modules.dep`, "kernel/one.ko.xz: kernel/two-b.ko.zst\nkernel/two-b.ko.zst:\nkernel/three.ko:\n", FILE);
  putFile(draft, `${HOME}/modules.dep.bin`, "of the packed ones", FILE);
  putFile(draft, `${HOME}/modules.alias`, "alias fs-one.ko.xz one\n", FILE);
  const info = "/var/lib/dpkg/info/linux-image";
  putFile(draft, `${info}.list`, `/.\n${HOME}/kernel/one.ko.xz\n${HOME}/kernel/three.ko\n/usr/share/doc/notes.ko.xz.txt\n`, FILE);
  const packed = md5(compressSync(ONE));
  putFile(
    draft,
    `${info}.md5sums`,
    `${packed}  ${HOME.slice(1)}/kernel/one.ko.xz\n${packed}  lib/modules/6.12/kernel/two-b.ko.zst\n${md5("three")}  ${HOME.slice(1)}/kernel/three.ko\n`,
    FILE,
  );
  putFile(draft, "/var/lib/dpkg/info/other.list", "/usr/share/one.ko\n", FILE);
  return draft;
}

test("packed modules of every kind become plain ones with their owner and mode; links follow", async () => {
  const draft = packedDraft();
  assert.equal(await unpackModules(draft), 3);
  assert.deepEqual(
    [...draft.nodes.keys()].filter((path) => /\.(xz|zst)$/.test(path)),
    [],
  );
  const one = draft.nodes.get(`${HOME}/kernel/one.ko`);
  assert.ok(one?.kind === "file");
  assert.deepEqual([one.uid, one.gid, one.mode, "size" in one.content && one.content.size], [3, 4, 0o640, ONE.length]);
  assert.equal(readText(draft, `${HOME}/kernel/one.ko`), ONE.toString());
  assert.equal(readText(draft, `${HOME}/kernel/two-b.ko`), TWO.toString());
  assert.equal(readText(draft, `${HOME}/kernel/three.ko`), "three");
  const link = draft.nodes.get(`${HOME}/weak/one.ko`);
  assert.ok(link?.kind === "symlink" && link.target === "../kernel/one.ko");
});

test("modules.dep and its binary form name the plain modules, names that are no paths stay", async () => {
  const draft = packedDraft();
  await unpackModules(draft);
  assert.equal(readText(draft, `${HOME}/modules.dep`), "kernel/one.ko: kernel/two-b.ko\nkernel/two-b.ko:\nkernel/three.ko:\n");
  const index = draft.nodes.get(`${HOME}/modules.dep.bin`);
  assert.ok(index?.kind === "file" && "object" in index.content);
  const bytes = draft.store.read(index.content.object).toString("latin1");
  assert.ok(bytes.includes("kernel/one.ko: kernel/two-b.ko\0") && bytes.includes("kernel/two-b.ko:\0") && !bytes.includes(".xz"));
  assert.equal(readText(draft, `${HOME}/modules.alias`), "alias fs-one.ko.xz one\n");
});

test("dpkg's lists have the new names, and its sums are those of the plain modules", async () => {
  const draft = packedDraft();
  await unpackModules(draft);
  const info = "/var/lib/dpkg/info/linux-image";
  assert.equal(readText(draft, `${info}.list`), `/.\n${HOME}/kernel/one.ko\n${HOME}/kernel/three.ko\n/usr/share/doc/notes.ko.xz.txt\n`);
  assert.equal(
    readText(draft, `${info}.md5sums`),
    `${md5(ONE)}  ${HOME.slice(1)}/kernel/one.ko\n${md5(TWO)}  lib/modules/6.12/kernel/two-b.ko\n${md5("three")}  ${HOME.slice(1)}/kernel/three.ko\n`,
  );
});

test("a tree without packed modules stays as it is, and a damaged module stops the build with its name", async () => {
  const draft = packedDraft();
  await unpackModules(draft);
  const before = new Map(draft.nodes);
  assert.equal(await unpackModules(draft), 0);
  assert.deepEqual(draft.nodes, before);
  putFile(draft, `${HOME}/bad.ko.xz`, compressSync(ONE).subarray(0, 60), FILE);
  await assert.rejects(unpackModules(draft), { code: "E_TREE_MODULE", message: /bad\.ko\.xz cannot be unpacked: not a complete xz file/ });
});
