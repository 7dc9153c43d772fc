/** What a lock keeps and what it lets go, with apt's own answers over an archive that the test changes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fetchPackages } from "#archive/download.ts";
import type { Lock } from "#lock/lock.ts";
import { requestedPackages } from "#lock/request.ts";
import { resolve } from "#lock/resolve.ts";
import type { ResolveContext } from "#lock/resolve.ts";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import { SYSTEM } from "../support/lock-fixture.ts";
import { tinyArchive } from "../support/tiny-archive.ts";
import type { TinyArchive, TinyPackage } from "../support/tiny-archive.ts";

const system = { ...SYSTEM, packages: ["app", "other"] };
const implied = requestedPackages({ ...system, packages: [] }).filter((name) => name !== "ashlar-initrd");
const rest: TinyPackage[] = implied.map((name) => ({ name, version: "1" }));
const app = (version: string): TinyPackage => ({ name: "app", version, fields: `Depends: app-data (= ${version})\n` });
const OLD = [...rest, app("1"), { name: "app-data", version: "1" }, { name: "other", version: "1" }];
const NEW = [...OLD, app("2"), { name: "app-data", version: "2" }, { name: "other", version: "2" }];

let archive: TinyArchive;
let folder: string;
let context: ResolveContext;
let lock: Lock;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ashlar-upgrade-"));
  const toolchain = await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
  archive = await tinyArchive(OLD, { date: new Date(Date.now() - 60_000) });
  context = { workspace: openWorkspace(folder), report: silentReporter, toolchain, mirror: archive.mirror, keys: archive.keys };
  lock = await resolve(system, context);
  await archive.publish(NEW);
});

after(async () => {
  await archive[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const versions = ({ packages }: Lock): Record<string, string> =>
  Object.fromEntries(
    packages.filter(({ name }) => ["app", "app-data", "other"].includes(name)).map(({ name, version }) => [name, version]),
  );

void test("without --upgrade nothing moves and the mirror is not asked", async () => {
  const asked = archive.requests.length;
  const again = await resolve(system, { ...context, previous: lock });
  assert.deepEqual(again, lock);
  assert.equal(archive.requests.length, asked);
});

void test("--upgrade of one package moves it and what must move with it", async () => {
  const upgraded = await resolve(system, { ...context, previous: lock, upgrade: ["app"] });
  assert.deepEqual(versions(upgraded), { app: "2", "app-data": "2", other: "1" });
});

void test("--upgrade moves everything, and the ledger of ids stays", async () => {
  const previous = { ...lock, ids: { users: { app: 998 }, groups: {} } };
  const upgraded = await resolve(system, { ...context, previous, upgrade: "all" });
  assert.deepEqual(versions(upgraded), { app: "2", "app-data": "2", other: "2" });
  assert.deepEqual(upgraded.ids, previous.ids);
});

void test("on another machine a lock's versions are kept although the mirror has newer ones", async () => {
  const workspace = openWorkspace(join(folder, "elsewhere"));
  const again = await resolve(system, { ...context, workspace, previous: lock });
  assert.deepEqual(versions(again), { app: "1", "app-data": "1", other: "1" });
});

void test("a version that the archive dropped is replaced only when the lock is made again", async () => {
  archive.files.delete(`debian/${lock.packages.find(({ name }) => name === "other")?.path}`);
  await assert.rejects(fetchPackages(lock.packages, context), { code: "E_PACKAGE_GONE", hint: "ashlar lock --upgrade other" });
  await archive.publish(NEW.filter(({ name, version }) => name !== "other" || version === "2"));
  const upgraded = await resolve(system, { ...context, previous: lock, upgrade: ["other"] });
  assert.deepEqual(versions(upgraded), { app: "1", "app-data": "1", other: "2" });
});
