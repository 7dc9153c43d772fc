import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Image } from "#image/image.ts";
import type { ObjectId } from "#store/object.ts";
import { pruneKernels, removeEntry, setActivation, setCounter } from "./activate.ts";
import { espSpace, installEntry } from "./arm.ts";
import { espFiles } from "./esp.ts";
import { kernelIdOf } from "./kernel-id.ts";
import { readLoader } from "./loader.ts";

const first = { linux: Buffer.from("linux 1"), initrd: Buffer.from("initrd 1") };
const second = { linux: Buffer.from("linux 2"), initrd: Buffer.from("initrd 2") };
const image: Image = {
  version: 1,
  name: "web",
  digest: "a".repeat(64) as ObjectId,
  kernel: { version: "6.12", linux: "b".repeat(64) as ObjectId, initrd: "c".repeat(64) as ObjectId, arguments: ["quiet"] },
  boot: { timeout: 3, tries: 3 },
  config: "0".repeat(64),
  lock: "0".repeat(64),
  epoch: 0,
};

/** An ESP as a disk is made with, in a folder. */
function freshEsp(t: TestContext): string {
  const esp = mkdtempSync(join(tmpdir(), "ashlar-esp-"));
  t.after(() => rmSync(esp, { recursive: true }));
  for (const { path, content } of espFiles({ image, ...first, systemdBoot: Buffer.from("MZ"), generation: 1 })) {
    mkdirSync(dirname(join(esp, path)), { recursive: true });
    writeFileSync(join(esp, path), content);
  }
  return esp;
}

const entriesIn = (esp: string): string[] => readdirSync(join(esp, "loader/entries")).sort();

test("a fresh ESP has the loader twice, no default, and one entry on trial that starts", (t) => {
  const esp = freshEsp(t);
  assert.equal(readFileSync(join(esp, "loader/loader.conf"), "utf8"), "timeout 3\n");
  assert.deepEqual(readFileSync(join(esp, "EFI/BOOT/BOOTX64.EFI")), readFileSync(join(esp, "EFI/systemd/systemd-bootx64.efi")));
  const { next, activation } = readLoader(esp);
  assert.equal(next?.fileName, "ashlar-000001+3.conf");
  assert.equal(next.entry?.title, "Web (generation 1)");
  assert.equal(activation, 1);
});

test("an installed generation starts next; the old one's kernel is shared when it is the same", (t) => {
  const esp = freshEsp(t);
  assert.equal(installEntry(esp, image, { generation: 2, activation: 2, kernelFiles: first }), "ashlar-000002+3.conf");
  assert.equal(readLoader(esp).next?.entry?.generation, 2);
  assert.deepEqual(readdirSync(join(esp, "ashlar")), [kernelIdOf(first.linux, first.initrd)]);
  installEntry(esp, image, { generation: 3, activation: 3, kernelFiles: second });
  assert.equal(readdirSync(join(esp, "ashlar")).length, 2);
});

test("installing a generation again leaves exactly one entry of it", (t) => {
  const esp = freshEsp(t);
  const entries = join(esp, "loader/entries");
  writeFileSync(join(entries, "ashlar-000001.conf"), readFileSync(join(entries, "ashlar-000001+3.conf")));
  installEntry(esp, image, { generation: 1, activation: 4, kernelFiles: first });
  assert.deepEqual(entriesIn(esp), ["ashlar-000001+3.conf"]);
});

test("a damaged kernel on the ESP is written anew", (t) => {
  const esp = freshEsp(t);
  const linux = join(esp, "ashlar", kernelIdOf(first.linux, first.initrd), "linux");
  writeFileSync(linux, "linux x");
  installEntry(esp, image, { generation: 2, activation: 2, kernelFiles: first });
  assert.deepEqual(readFileSync(linux), first.linux);
});

test("a kernel that does not fit is refused before anything is written, naming both sizes", (t) => {
  const esp = freshEsp(t);
  const huge = { linux: Object.defineProperty(Buffer.from("x"), "length", { value: 2 ** 50 }), initrd: Buffer.alloc(0) };
  const { needed, free } = espSpace(esp, huge);
  assert.ok(needed > 2 ** 50 && free < needed);
  assert.throws(() => installEntry(esp, image, { generation: 2, activation: 2, kernelFiles: huge }), {
    code: "E_ESP_FULL",
    message: new RegExp(`\\d+ bytes free.*need ${needed}`),
  });
  assert.deepEqual(entriesIn(esp), ["ashlar-000001+3.conf"]);
});

test("a roll back rewrites one number in place: same file, same size, other entry first", (t) => {
  const esp = freshEsp(t);
  installEntry(esp, image, { generation: 2, activation: 2, kernelFiles: first });
  const path = join(esp, "loader/entries/ashlar-000001+3.conf");
  const { ino, size } = statSync(path);
  setActivation(esp, 1, 3);
  assert.deepEqual({ ino: statSync(path).ino, size: statSync(path).size }, { ino, size });
  assert.equal(readLoader(esp).next?.entry?.generation, 1);
  assert.equal(readLoader(esp).next?.entry?.activation, 3);
  assert.throws(() => setActivation(esp, 9, 4), { code: "E_ENTRY_MISSING", message: /generation 9/ });
  assert.throws(() => setActivation(esp, 1, 1_000_000), { code: "E_ENTRY_TOO_LONG" });
});

test("removing an entry and pruning leave what other entries need, also foreign ones", (t) => {
  const esp = freshEsp(t);
  installEntry(esp, image, { generation: 2, activation: 2, kernelFiles: second });
  writeFileSync(join(esp, "loader/entries/memtest.conf"), "title Memtest\nefi /memtest.efi\n");
  mkdirSync(join(esp, "ashlar", `${"d".repeat(32)}.new`));
  writeFileSync(join(esp, "loader/entries/ashlar-000003+3.conf.0a1b2c3d4e5f.tmp"), `linux /ashlar/${"d".repeat(32)}.new/linux`);
  assert.equal(removeEntry(esp, 2), true);
  assert.equal(removeEntry(esp, 2), false);
  assert.deepEqual(pruneKernels(esp), [kernelIdOf(second.linux, second.initrd), `${"d".repeat(32)}.new`].sort());
  assert.deepEqual(readdirSync(join(esp, "ashlar")), [kernelIdOf(first.linux, first.initrd)]);
  assert.deepEqual(entriesIn(esp), ["ashlar-000001+3.conf", "memtest.conf"]);
});

test("a damaged entry is reported, keeps its kernel, and does not hide the others", (t) => {
  const esp = freshEsp(t);
  installEntry(esp, image, { generation: 2, activation: 2, kernelFiles: second });
  const path = join(esp, "loader/entries/ashlar-000002+3.conf");
  writeFileSync(path, readFileSync(path, "utf8").replace("composefs", "composefz"));
  const state = readLoader(esp);
  assert.match(state.entries[0]?.problem ?? "", /ashlar-000002\+3\.conf: no composefs=/);
  assert.equal(state.entries[1]?.entry?.generation, 1);
  assert.deepEqual(pruneKernels(esp), []);
});

test("a blank file is no entry, and goes with the next collection", (t) => {
  const esp = freshEsp(t);
  const entries = join(esp, "loader/entries");
  writeFileSync(join(entries, "ashlar-000002+3.conf"), "");
  writeFileSync(join(entries, "ashlar-000003+3.conf"), Buffer.alloc(342));
  const { entries: found, next } = readLoader(esp);
  assert.deepEqual([found.length, next?.entry?.generation], [1, 1]);
  pruneKernels(esp);
  assert.deepEqual(entriesIn(esp), ["ashlar-000001+3.conf"]);
});

test("a generation that is found good has one entry, and had one all the time", (t) => {
  const esp = freshEsp(t);
  const entries = join(esp, "loader/entries");
  const text = readFileSync(join(entries, "ashlar-000001+3.conf"));
  setCounter(esp, 1, "none");
  assert.deepEqual(entriesIn(esp), ["ashlar-000001.conf"]);
  assert.deepEqual(readFileSync(join(entries, "ashlar-000001.conf")), text);
  // As a power cut between the two steps leaves it.
  writeFileSync(join(entries, "ashlar-000001+2-1.conf"), text);
  const state = readLoader(esp);
  assert.deepEqual(
    state.entries.map(({ fileName }) => fileName),
    ["ashlar-000001.conf"],
  );
  setActivation(esp, 1, 5);
  assert.deepEqual(readFileSync(join(entries, "ashlar-000001+2-1.conf")), readFileSync(join(entries, "ashlar-000001.conf")));
  pruneKernels(esp);
  assert.deepEqual(entriesIn(esp), ["ashlar-000001.conf"]);
});

test("a counted entry is no twin of one that cannot be read", (t) => {
  const esp = freshEsp(t);
  writeFileSync(join(esp, "loader/entries/ashlar-000001.conf"), "title half an ent");
  assert.equal(readLoader(esp).next?.fileName, "ashlar-000001+3.conf");
  pruneKernels(esp);
  assert.ok(entriesIn(esp).includes("ashlar-000001+3.conf"));
});

test("a bad generation has no tries left, and one that is good keeps its name", (t) => {
  const esp = freshEsp(t);
  setCounter(esp, 1, "exhausted");
  assert.deepEqual(entriesIn(esp), ["ashlar-000001+0.conf"]);
  setCounter(esp, 1, "none");
  setCounter(esp, 1, "exhausted");
  assert.deepEqual(entriesIn(esp), ["ashlar-000001.conf"]);
});
