/** Allowing, putting back, keeping what is lost: on real files. */
import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { AshlarError } from "#errors";
import { fromText } from "#formats/bytes.ts";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { allow, judge, parseDay, readAllowed, writeAllowed } from "./allow.ts";
import { parseExport } from "./export.ts";
import type { Facts } from "./facts.ts";
import { readUpper } from "./gather/upper.ts";
import { viewImage } from "./image.ts";
import { inspectFiles } from "./inspect/files.ts";
import { keepLost, listLost, recoverLost } from "./lost.ts";
import { revert } from "./revert.ts";

const home = mkdtempSync(join(tmpdir(), "ashlar-answers-"));
after(() => rmSync(home, { recursive: true, force: true }));
let count = 0;
const scratch = (): string => {
  const path = join(home, String(++count));
  mkdirSync(path);
  return path;
};

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];

function inode(path: string, part: Partial<DumpInode>): DumpInode {
  const content = part.content ?? Buffer.alloc(0);
  const base = { hardlink: undefined, nlink: 1, uid, gid, rdev: 0, mtime: 0, mtimeNsec: 0, payload: undefined, digest: undefined };
  return { path, mode: 0o100644, size: content.length, content, xattrs: new Map(), ...base, ...part };
}

test("what is allowed counts to the end of its day, is listed when it no longer does, and can be read again", () => {
  const path = join(scratch(), "ashlar/allowed.json");
  assert.deepEqual(readAllowed(path), []);
  const one = { name: "/etc/motd", until: "2027-01-31", because: "a visit", since: 1 };
  writeAllowed(path, allow(allow([], { ...one, until: "2026-01-01" }), one));
  assert.deepEqual(readAllowed(path), [one]);
  const finding = { kind: "file", name: "/etc/motd", change: "changed", what: [] } as const;
  assert.deepEqual(judge([finding], [one], "2027-01-31"), { open: [], allowed: [{ ...finding, allowance: one }], expired: [] });
  assert.deepEqual(judge([finding], [one], "2027-02-01"), { open: [finding], allowed: [], expired: [one] });
  assert.deepEqual(judge([], [one], "2027-02-01").expired, [], "what differs no more needs no word");
  writeFileSync(path, "{");
  assert.throws(() => readAllowed(path), { code: "E_DRIFT_ALLOWED_FORMAT" });
});

test("a day is a date from today on, or a count of days or weeks", () => {
  assert.equal(parseDay("2027-01-31", "2027-01-31"), "2027-01-31");
  assert.equal(parseDay("14d", "2026-12-25"), "2027-01-08");
  assert.equal(parseDay("2w", "2026-12-25"), "2027-01-08");
  for (const wrong of ["", "2027-01-30", "2027-02-30", "soon", "1000d", "-1d", "2027-1-31"])
    assert.throws(() => parseDay(wrong, "2027-01-31"), { code: "E_DRIFT_DATE" }, wrong);
});

const IMAGE: DumpEntry[] = [
  inode("/etc", { mode: 0o040755 }),
  inode("/etc/motd", { content: Buffer.from("hi\n") }),
  inode("/etc/link", { mode: 0o120777, payload: "motd" }),
  inode("/etc/d", { mode: 0o040750 }),
  inode("/etc/d/a", { content: Buffer.from("a"), mode: 0o100600 }),
  inode("/etc/d/e", { mode: 0o040755 }),
  inode("/etc/d/e/b", { content: Buffer.from("b") }),
];

/** A root whose /etc is a folder of its own and, at the same time, all that differs: what an overlay would show in full. */
function differing(root: string): string[] {
  return inspectFiles(readUpper(join(root, "etc"), "/etc"), { kind: "file", image: viewImage(IMAGE, () => Buffer.alloc(0)), kept: [] }).map(
    ({ name }) => name,
  );
}

test("whatever was done to a path, reverting gives the image's form, and only that path changes", async () => {
  const image = viewImage(IMAGE, () => Buffer.alloc(0));
  const damage: readonly ((at: string) => void)[] = [
    (at) => rmSync(at, { recursive: true, force: true }),
    (at) => (rmSync(at, { recursive: true, force: true }), mkdirSync(join(at, "deep"), { recursive: true })),
    (at) => (rmSync(at, { recursive: true, force: true }), symlinkSync("/nowhere", at)),
    (at) => (rmSync(at, { recursive: true, force: true }), writeFileSync(at, "other", { mode: 0o777 })),
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("/etc/motd", "/etc/link", "/etc/d", "/etc/d/a"), fc.nat(damage.length - 1), async (path, kind) => {
      // What is put into a folder is a finding of its own.
      fc.pre(path !== "/etc/d" || kind !== 1);
      const root = scratch();
      for (const finding of [...IMAGE].filter(({ path: each }) => each.split("/").length === 3))
        await revert(root, { kind: "file", name: finding.path, change: "removed", what: [] }, { image } as Facts);
      assert.deepEqual(differing(root), []);
      damage[kind]?.(join(root, path));
      await revert(root, { kind: "file", name: path, change: "changed", what: ["kind"] }, { image } as Facts);
      assert.deepEqual(differing(root), []);
      assert.deepEqual(readdirSync(join(root, "etc")).sort(), ["d", "link", "motd"]);
      assert.equal(readlinkSync(join(root, "etc/link")), "motd");
    }),
    { numRuns: 16 },
  );
});

test("what was added goes, with the folders that were made for it", async () => {
  const root = scratch();
  mkdirSync(join(root, "etc/new/deep"), { recursive: true });
  writeFileSync(join(root, "etc/new/deep/file"), "");
  const image = viewImage(IMAGE, () => Buffer.alloc(0));
  await revert(root, { kind: "file", name: "/etc/new/deep/file", change: "added", what: [] }, { image } as Facts);
  assert.deepEqual(readdirSync(join(root, "etc")), []);
});

test("an account gets its own lines back, in their places, and the files keep mode and owner", async () => {
  const root = scratch();
  mkdirSync(join(root, "etc"));
  const passwd = "root:x:0\nada:x:1000\nbob:x:1001\n";
  const image = viewImage(
    [inode("/etc/passwd", { content: Buffer.from(passwd) }), inode("/etc/shadow", { content: Buffer.from("root:*:\nada:!:\nbob:!:\n") })],
    () => Buffer.alloc(0),
  );
  writeFileSync(join(root, "etc/passwd"), "bob:x:7\nroot:x:0\nnew:x:9\n");
  writeFileSync(join(root, "etc/shadow"), "root:*:\nnew:!:\n", { mode: 0o640 });
  chmodSync(join(root, "etc/shadow"), 0o640);
  for (const name of ["ada", "bob", "new"]) await revert(root, { kind: "user", name, change: "changed", what: [] }, { image } as Facts);
  assert.equal(readFileSync(join(root, "etc/passwd"), "utf8"), passwd);
  assert.equal(readFileSync(join(root, "etc/shadow"), "utf8"), "root:*:\nada:!:\nbob:!:\n");
  assert.equal(statSync(join(root, "etc/shadow")).mode & 0o777, 0o640);
});

test("the last three losses are kept whole, with modes, and any path of them comes back", () => {
  const [folder, root] = [join(scratch(), "lost-etc"), scratch()];
  for (let loss = 1; loss <= 5; loss++) {
    const layer = scratch();
    mkdirSync(join(layer, "deep/er"), { recursive: true });
    writeFileSync(join(layer, "deep/er/secret"), `secret ${loss}`, { mode: 0o600 });
    symlinkSync("/nowhere", join(layer, "link"));
    const whiteout = { ...readUpper(layer, "/etc")[0]!, path: fromText("/etc/gone"), kind: "whiteout" as const };
    assert.equal(keepLost(folder, [...readUpper(layer, "/etc"), whiteout], { time: loss, image: "aa" }), loss);
  }
  assert.deepEqual(
    listLost(folder).map(({ number, time }) => [number, time]),
    [
      [3, 3],
      [4, 4],
      [5, 5],
    ],
  );
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/gone"), "");
  assert.deepEqual(recoverLost(root, folder, 4, ["/etc/deep"]), ["/etc/deep", "/etc/deep/er", "/etc/deep/er/secret"]);
  assert.equal(readFileSync(join(root, "etc/deep/er/secret"), "utf8"), "secret 4");
  assert.equal(statSync(join(root, "etc/deep/er/secret")).mode & 0o777, 0o600);
  recoverLost(root, folder, 5, []);
  assert.equal(readlinkSync(join(root, "etc/link")), "/nowhere");
  assert.deepEqual(readdirSync(join(root, "etc")).sort(), ["deep", "link"], "what had been removed is removed again");
  for (const [number, name] of [
    [1, "/etc/link"],
    [5, "/etc/other"],
  ] as const)
    assert.throws(() => recoverLost(root, folder, number, [name]), { code: "E_DRIFT_LOST_UNKNOWN" });
});

test("a loss that was not finished is none, and the next one is not disturbed by it", () => {
  const folder = scratch();
  mkdirSync(join(folder, ".keeping/tree"), { recursive: true });
  const layer = scratch();
  writeFileSync(join(layer, "a"), "a");
  assert.deepEqual(listLost(folder), []);
  assert.equal(keepLost(folder, readUpper(layer, "/etc"), { time: 1, image: "aa" }), 1);
  assert.deepEqual(readdirSync(folder), ["000001"]);
});

test("what is no export of drift is refused by name", () => {
  for (const text of ["", "[]", "{}", "null", `{"version":2}`, `{"version":1,"items":[{}],"accounts":{}}`])
    assert.throws(
      () => parseExport(text, dirname("/tmp/drift.json")),
      (error) => error instanceof AshlarError && error.code === "E_DRIFT_EXPORT_FORMAT",
      text,
    );
});
