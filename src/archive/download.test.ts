import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { silentReporter } from "#report/reporter.ts";
import { openWorkspace } from "#workspace";
import { tinyArchive } from "../../test/support/tiny-archive.ts";
import type { TinyArchive } from "../../test/support/tiny-archive.ts";
import { openArchives } from "./open.ts";
import { builtinPackage } from "./builtin.ts";
import { createCatalog, lockedPackage } from "./catalog.ts";
import { fetchPackages } from "./download.ts";
import type { FetchContext } from "./download.ts";
import type { LockedPackage } from "#lock/lock.ts";

const NAMES = ["a1", "b2", "c3"];

async function lockedIn(t: TestContext, { mirror, keys }: TinyArchive): Promise<{ context: FetchContext; packages: LockedPackage[] }> {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-download-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const context = { workspace: openWorkspace(folder), report: silentReporter, mirror };
  const archives = await openArchives(
    { suite: "trixie", architecture: "amd64", components: ["main"], refresh: "always" },
    { ...context, keys },
  );
  return { context, packages: NAMES.flatMap((name) => createCatalog(archives).candidates(name)).map(lockedPackage) };
}

const tiny = (): Promise<TinyArchive> => tinyArchive(NAMES.map((name) => ({ name, version: "1:1+b1" })));

void test("packages are fetched once, verified, and named by their hash", async (t) => {
  await using archive = await tiny();
  const { context, packages } = await lockedIn(t, archive);
  const paths = await fetchPackages(packages, context);
  assert.deepEqual(
    [...paths.values()].map((path) => readFileSync(path).length),
    packages.map(({ size }) => size),
  );
  const asked = archive.requests.length;
  await fetchPackages(packages, context);
  assert.equal(archive.requests.length, asked);
});

void test("an altered package is refused, and what arrived well is kept", async (t) => {
  await using archive = await tiny();
  const { context, packages } = await lockedIn(t, archive);
  const [, middle] = packages;
  const path = `debian/${middle?.path}`;
  const altered = Buffer.from(archive.files.get(path) ?? "");
  altered[100] = (altered[100] ?? 0) ^ 1;
  archive.files.set(path, altered);
  await assert.rejects(fetchPackages(packages, context), {
    code: "E_PACKAGE_HASH",
    message: /^debian\/pool\/main\/b\/b2\/b2_1:1\+b1_amd64\.deb has the sha256 [0-9a-f]{64}/,
  });
  assert.equal(
    readdirSync(context.workspace.packages).some((name) => name.includes(middle?.sha256 ?? "")),
    false,
  );
});

void test("a package that the mirror no longer has is named with what to do", async (t) => {
  await using archive = await tiny();
  const { context, packages } = await lockedIn(t, archive);
  archive.files.delete(`debian/${packages[2]?.path}`);
  await assert.rejects(fetchPackages(packages, context), {
    code: "E_PACKAGE_GONE",
    message: /no longer has c3 1:1\+b1/,
    hint: "ashlar lock --upgrade c3",
  });
});

void test("a damaged package in the cache is fetched again", async (t) => {
  await using archive = await tiny();
  const { context, packages } = await lockedIn(t, archive);
  const paths = await fetchPackages(packages, context);
  const path = paths.get(packages[0]?.sha256 ?? "") ?? "";
  const good = readFileSync(path);
  writeFileSync(path, Buffer.alloc(good.length));
  await fetchPackages(packages, context);
  assert.deepEqual(readFileSync(path), good);
});

void test("a package longer than the lock says is cut off", async (t) => {
  await using archive = await tiny();
  const { context, packages } = await lockedIn(t, archive);
  archive.files.set(`debian/${packages[0]?.path}`, Buffer.alloc(1_000_000));
  await assert.rejects(fetchPackages(packages, context), { code: "E_ARCHIVE_TRUNCATED" });
});

void test("the built-in package needs no mirror", async (t) => {
  await using archive = await tiny();
  const { context } = await lockedIn(t, archive);
  const { locked, content } = builtinPackage();
  const paths = await fetchPackages([locked], { workspace: context.workspace, report: silentReporter });
  assert.deepEqual(readFileSync(paths.get(locked.sha256) ?? ""), content);
});
