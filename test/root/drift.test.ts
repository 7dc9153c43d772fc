/** Drift on a real overlay: whatever is done to /etc, the list says what a comparison of every path says, and reverting it undoes all. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as fc from "fast-check";
import type { Facts } from "#drift/facts.ts";
import { readUpper } from "#drift/gather/upper.ts";
import { viewImage } from "#drift/image.ts";
import type { ImageView } from "#drift/image.ts";
import { inspectFiles } from "#drift/inspect/files.ts";
import { revert } from "#drift/revert.ts";
import type { DumpEntry } from "#formats/composefs/dump-entry.ts";
import { S_IFLNK, S_IFMT, S_IFREG } from "#formats/file-mode.ts";
import { exec } from "#sys/exec.ts";
import { getXattr, listXattrs, setXattr } from "#sys/xattr.ts";

const isRoot = process.getuid?.() === 0;
const skip = isRoot ? false : "needs root, to mount";
const home = isRoot ? mkdtempSync("/dev/shm/ashlar-drift-") : "";
const lower = join(home, "lower");

before(() => {
  if (!isRoot) return;
  mkdirSync(join(lower, "d/e"), { recursive: true });
  writeFileSync(join(lower, "a"), "a");
  writeFileSync(join(lower, "long"), "x".repeat(100));
  writeFileSync(join(lower, "d/b"), "b");
  writeFileSync(join(lower, "d/e/c"), "c");
  symlinkSync("a", join(lower, "link"));
});
after(() => {
  if (isRoot) rmSync(home, { recursive: true });
});

type Change = (etc: string) => void;

/** What people and programs do, as far as the kernel lets them. */
const PATHS = ["a", "long", "link", "d", "d/b", "d/e", "d/e/c", "new", "d/new", "d/e/deep"];
const path = fc.constantFrom(...PATHS);
const change = fc.oneof(
  path.map(
    (name): Change =>
      (etc) =>
        attempt(() => rmSync(join(etc, name), { recursive: true, force: true })),
  ),
  fc.tuple(path, fc.constantFrom("a", "b", "", "x".repeat(100))).map(
    ([name, content]): Change =>
      (etc) =>
        attempt(() => writeFileSync(join(etc, name), content)),
  ),
  path.map(
    (name): Change =>
      (etc) =>
        attempt(() => mkdirSync(join(etc, name))),
  ),
  fc.tuple(path, fc.constantFrom("a", "nowhere")).map(
    ([name, target]): Change =>
      (etc) =>
        attempt(() => symlinkSync(target, join(etc, name))),
  ),
  fc.tuple(path, fc.constantFrom(0o600, 0o644, 0o755, 0o4755)).map(
    ([name, mode]): Change =>
      (etc) =>
        attempt(() => chmodSync(join(etc, name), mode)),
  ),
  path.map(
    (name): Change =>
      (etc) =>
        attempt(() => chownSync(join(etc, name), 33, 33)),
  ),
  path.map(
    (name): Change =>
      (etc) =>
        attempt(() => setXattr(join(etc, name), "trusted.note", "1")),
  ),
  fc.tuple(path, path).map(
    ([from, to]): Change =>
      (etc) =>
        attempt(() => renameSync(join(etc, from), join(etc, to))),
  ),
);

test("after any changes the list is right, and reverting everything leaves no difference", { skip }, async () => {
  const image = imageOf(lower);
  const original = snapshot(lower);
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      const root = mkdtempSync(join(home, "root-"));
      const etc = join(root, "etc");
      for (const folder of ["etc", "upper", "work"]) mkdirSync(join(root, folder));
      await exec("mount", ["-t", "overlay", "test", etc, "-o", `lowerdir=${lower},upperdir=${root}/upper,workdir=${root}/work`]);
      try {
        for (const each of changes) each(etc);
        const found = inspectFiles(readUpper(join(root, "upper"), "/etc"), { kind: "file", image, kept: [] });
        assert.deepEqual(
          found.map(({ name }) => name),
          differing(original, snapshot(etc)),
        );
        for (const finding of found) await revert(root, finding, { image } as Facts);
        assert.deepEqual(snapshot(etc), original);
        assert.deepEqual(inspectFiles(readUpper(join(root, "upper"), "/etc"), { kind: "file", image, kept: [] }), []);
      } finally {
        await exec("umount", [etc]);
        rmSync(root, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
});

/** Path below /etc to all that counts of it. */
type Snapshot = ReadonlyMap<string, string>;

function snapshot(folder: string): Snapshot {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return new Map(names.map((name) => [`/etc/${name}`, describe(join(folder, name))]));
}

function describe(at: string): string {
  const { mode, uid, gid } = lstatSync(at);
  const type = mode & S_IFMT;
  const content = type === S_IFREG ? readFileSync(at, "utf8") : type === S_IFLNK ? readlinkSync(at) : "";
  return JSON.stringify([mode, uid, gid, content, noteOf(at) ?? null]);
}

/** The only attribute that the changes set; the overlay keeps its own to itself. */
function noteOf(at: string): string | undefined {
  return listXattrs(at).includes("trusted.note") ? getXattr(at, "trusted.note") : undefined;
}

/** What a person would say: a removed folder is one thing, what is in a new folder speaks for it. */
function differing(before: Snapshot, now: Snapshot): string[] {
  const isFolder = (path: string): boolean => path === "/etc" || (JSON.parse(now.get(path) ?? "[0]") as number[])[0]! >> 12 === 4;
  const removed = [...before.keys()].filter((path) => !now.has(path) && isFolder(path.slice(0, path.lastIndexOf("/"))));
  const usual = JSON.stringify([0o040755, 0, 0, "", null]);
  const isSpokenFor = (path: string): boolean => now.get(path) === usual && [...now.keys()].some((other) => other.startsWith(`${path}/`));
  const added = [...now.keys()].filter((path) => !before.has(path) && !isSpokenFor(path));
  const changed = [...now.keys()].filter((path) => before.has(path) && before.get(path) !== now.get(path));
  return [...removed, ...added, ...changed].sort();
}

function imageOf(folder: string): ImageView {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const entries = names.map((name): DumpEntry => {
    const at = join(folder, name);
    const { mode, uid, gid, size } = lstatSync(at);
    const type = mode & S_IFMT;
    const content = type === S_IFREG ? readFileSync(at) : undefined;
    const payload = type === S_IFLNK ? readlinkSync(at) : undefined;
    const rest = { hardlink: undefined, nlink: 1, rdev: 0, mtime: 0, mtimeNsec: 0, digest: undefined, xattrs: new Map() };
    return { path: `/etc/${name}`, mode, uid, gid, size, content, payload, ...rest };
  });
  return viewImage(entries, () => Buffer.alloc(0));
}

function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    // No such file, a folder in the way, a folder of the image that cannot be renamed: then nothing was changed.
    assert.ok(error instanceof Error && "code" in error, String(error));
  }
}
