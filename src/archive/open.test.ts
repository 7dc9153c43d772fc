import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { AshlarError } from "#errors";
import { silentReporter } from "#report/reporter.ts";
import { openWorkspace } from "#workspace";
import { signedByStranger, tinyArchive } from "../../test/support/tiny-archive.ts";
import type { TinyArchive } from "../../test/support/tiny-archive.ts";
import { openArchives } from "./open.ts";
import type { ArchiveContext, ArchiveRequest } from "./context.ts";
import type { Archive } from "./open.ts";
import { createCatalog } from "./catalog.ts";

const HELLO = [{ name: "hello", version: "1.0-1" }];
const IN_RELEASE = "debian/dists/trixie/InRelease";
const REQUEST = { suite: "trixie", architecture: "amd64", components: ["main"] };
const HOUR = 3600 * 1000;

function scratch(t: TestContext): ArchiveContext["workspace"] {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-archive-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return openWorkspace(folder);
}

function opener(t: TestContext, { mirror, keys }: TinyArchive) {
  const workspace = scratch(t);
  return {
    workspace,
    open: (refresh: ArchiveRequest["refresh"], more: Partial<ArchiveContext> = {}): Promise<Archive[]> =>
      openArchives({ ...REQUEST, refresh }, { workspace, report: silentReporter, mirror, keys, ...more }),
  };
}

const versionOf = (archives: readonly Archive[]): string | undefined => createCatalog(archives).candidates("hello")[0]?.version;

/** Asserts the code, that the message names `path`, and that a next command is offered. */
function refusal(code: string, path: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof AshlarError);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(path), error.message);
    assert.ok(error.hint, "a hint is missing");
    return true;
  };
}

void test("a signed archive is read, kept, and read again without network", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  assert.equal(versionOf(await open("missing")), "1.0-1");
  const asked = archive.requests.length;
  assert.equal(versionOf(await open("missing")), "1.0-1");
  assert.equal(versionOf(await open("never")), "1.0-1");
  assert.equal(archive.requests.length, asked);
});

void test("a refresh sees a newer archive, and a lock's snapshot stays readable", async (t) => {
  await using archive = await tinyArchive(HELLO, { date: new Date(Date.now() - HOUR) });
  const { open, workspace } = opener(t, archive);
  const before = await open("always");
  await archive.publish([{ name: "hello", version: "2.0-1" }]);
  assert.equal(versionOf(await open("missing")), "1.0-1");
  assert.equal(versionOf(await open("always")), "2.0-1");
  const pinned = await openArchives({ ...REQUEST, refresh: "never", snapshots: before }, { workspace, report: silentReporter });
  assert.equal(versionOf(pinned), "1.0-1");
});

void test("a signature by an unknown key is refused, and nothing is kept", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open, workspace } = opener(t, archive);
  archive.files.set(IN_RELEASE, await signedByStranger(archive.files.get(IN_RELEASE) ?? Buffer.alloc(0)));
  await assert.rejects(open("always"), refusal("E_ARCHIVE_SIGNATURE", IN_RELEASE));
  assert.throws(() => readdirSync(workspace.archive), { code: "ENOENT" });
});

void test("an InRelease that was changed after signing is refused", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  archive.files.set(IN_RELEASE, Buffer.from(String(archive.files.get(IN_RELEASE)).replace("Origin: Test", "Origin: Evil")));
  await assert.rejects(open("always"), refusal("E_ARCHIVE_SIGNATURE", IN_RELEASE));
});

void test("text before or after the signed part is never believed", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  const signed = String(archive.files.get(IN_RELEASE));
  archive.files.set(IN_RELEASE, Buffer.from(`Codename: evil\n\n${signed}`));
  const outcome = await open("always").then(versionOf, (error: unknown) => (error instanceof AshlarError ? error.code : error));
  assert.ok(outcome === "1.0-1" || outcome === "E_ARCHIVE_SIGNATURE", String(outcome));
});

void test("an unsigned Release is refused", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  archive.files.set(IN_RELEASE, Buffer.from("Codename: trixie\nDate: Sat, 21 Nov 2026 09:15:44 UTC\n"));
  await assert.rejects(open("always"), refusal("E_ARCHIVE_SIGNATURE", IN_RELEASE));
});

void test("an expired Release is refused with both times; one that is valid is not", async (t) => {
  const validUntil = new Date(Date.now() + HOUR);
  await using archive = await tinyArchive(HELLO, { validUntil });
  const { open } = opener(t, archive);
  await open("always");
  const now = validUntil.getTime() + HOUR;
  await assert.rejects(open("always", { now }), (error: unknown) => {
    refusal("E_ARCHIVE_EXPIRED", IN_RELEASE)(error);
    assert.match((error as AshlarError).message, /expired at \d{4}-.*; it is now \d{4}-/);
    return true;
  });
});

void test("a Release of another suite or from the future is refused", async (t) => {
  await using archive = await tinyArchive(HELLO, { codename: "bookworm" });
  const { open } = opener(t, archive);
  await assert.rejects(open("always"), refusal("E_ARCHIVE_MISMATCH", IN_RELEASE));
  await archive.publish(HELLO);
  await assert.rejects(open("always", { now: Date.now() - 72 * HOUR }), refusal("E_ARCHIVE_EXPIRED", IN_RELEASE));
});

void test("an older Release than the one seen before is refused", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  await open("always");
  await archive.publish(HELLO, { date: new Date(Date.now() - 48 * HOUR) });
  await assert.rejects(open("always"), refusal("E_ARCHIVE_ROLLBACK", IN_RELEASE));
  assert.equal(versionOf(await open("missing")), "1.0-1");
});

const byHash = (archive: TinyArchive): string =>
  [...archive.files.keys()].find((path) => path.startsWith("debian/dists/trixie/main") && path.includes("by-hash")) ?? "";

void test("a truncated Packages is refused with both sizes", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  const path = byHash(archive);
  archive.files.set(path, archive.files.get(path)?.subarray(0, 100) ?? Buffer.alloc(0));
  await assert.rejects(
    open("always"),
    refusal("E_ARCHIVE_TRUNCATED", "debian/dists/trixie/main/binary-amd64/Packages.xz ends after 100 bytes"),
  );
});

void test("an altered Packages is refused with both hashes", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  const path = byHash(archive);
  const altered = Buffer.from(archive.files.get(path) ?? "");
  altered[20] = (altered[20] ?? 0) ^ 1;
  archive.files.set(path, altered);
  await assert.rejects(open("always"), refusal("E_ARCHIVE_HASH", "Packages.xz has the sha256"));
});

void test("an endless Packages is cut off at the size that is listed", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  archive.files.set(byHash(archive), Buffer.alloc(1_000_000));
  await assert.rejects(open("always"), refusal("E_ARCHIVE_TRUNCATED", "is longer than"));
});

void test("a damaged cache is noticed and fetched again", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open, workspace } = opener(t, archive);
  const [first] = await open("always");
  writeFileSync(join(workspace.archive, first?.indexes[0]?.sha256 ?? ""), "damaged");
  assert.equal(versionOf(await open("missing")), "1.0-1");
});

void test("an unreachable mirror is named by the path that was wanted", async (t) => {
  const archive = await tinyArchive(HELLO);
  const { open } = opener(t, archive);
  await archive[Symbol.asyncDispose]();
  await assert.rejects(open("always"), refusal("E_ARCHIVE_UNREACHABLE", IN_RELEASE));
  await assert.rejects(open("never"), refusal("E_ARCHIVE_OFFLINE", IN_RELEASE));
});

void test("a suite that the mirror does not have is named", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { workspace } = opener(t, archive);
  const { mirror, keys } = archive;
  await assert.rejects(
    openArchives({ ...REQUEST, suite: "trixy", refresh: "always" }, { workspace, report: silentReporter, mirror, keys }),
    refusal("E_ARCHIVE_UNREACHABLE", "debian/dists/trixy/InRelease"),
  );
});

void test("without network a package list that is not in the cache is named", async (t) => {
  await using archive = await tinyArchive(HELLO);
  const { open, workspace } = opener(t, archive);
  const [first] = await open("always");
  rmSync(join(workspace.archive, first?.indexes[0]?.sha256 ?? ""));
  await assert.rejects(open("never"), refusal("E_ARCHIVE_OFFLINE", "debian/dists/trixie/main/binary-amd64/Packages.xz"));
});
