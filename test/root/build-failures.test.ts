/** Builds that cannot succeed: what is said, what stays, and that the next one is right. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AshlarError } from "#errors";
import { writeAr } from "#formats/ar.ts";
import { writeTar } from "#formats/tar/writer.ts";
import { readLock } from "#lock/file.ts";
import type { Lock, LockedPackage } from "#lock/lock.ts";
import { buildSystem, checkStore } from "#pipeline";
import { openStore } from "#store/open.ts";
import { exec } from "#sys/exec.ts";
import type { Workspace } from "#workspace";
import { baseTree } from "../../src/pipeline/base.ts";
import { lockPathOf } from "../../src/pipeline/lock-path.ts";
import { buildProcess, openBuildLab, watched } from "../support/build-lab.ts";
import type { BuildLab, Watched } from "../support/build-lab.ts";

const KILLS = 10;
let lab: BuildLab;
let lock: Lock;
/** The digest of the minimal example, from the first build that succeeds. */
let expected: string | undefined;

before(async () => {
  lab = await openBuildLab();
  lock = readLock(lockPathOf(lab.config));
});
after(() => lab[Symbol.dispose]());

/** A package whose script writes forty lines and fails. It depends on nothing, so that its turn comes early. */
function brokenPackage(script: "preinst" | "postinst", workspace: Workspace): LockedPackage {
  const attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>(), type: "file" } as const;
  const control = "Package: aa-broken\nVersion: 1\nArchitecture: all\nMaintainer: Test <test@localhost>\nDescription: test\n";
  const failing = `#!/bin/sh\nfor i in $(seq 40); do echo "line $i of $1"; done\necho "the disk of $(cat /proc/sys/kernel/hostname) is purple" >&2\nexit 42\n`;
  const deb = writeAr([
    { name: "debian-binary", content: Buffer.from("2.0\n") },
    {
      name: "control.tar",
      content: writeTar([
        { ...attributes, path: "/control", content: Buffer.from(control) },
        { ...attributes, path: `/${script}`, content: Buffer.from(failing) },
      ]),
    },
    { name: "data.tar", content: writeTar([{ ...attributes, path: "/usr/share/aa-broken", content: Buffer.from("x") }]) },
  ]);
  const sha256 = createHash("sha256").update(deb).digest("hex");
  writeFileSync(join(workspace.packages, `${sha256}.deb`), deb);
  return { name: "aa-broken", version: "1", architecture: "all", path: "pool/aa-broken.deb", archive: "trixie", size: deb.length, sha256 };
}

/** Installs the example's packages with one more, without the kernel, which is half of all bytes. */
async function installWith(locked: LockedPackage, context: Watched, keep: boolean): Promise<AshlarError> {
  const packages = [...lock.packages.filter(({ name }) => !name.startsWith("linux-image")), locked];
  const store = await openStore(context.workspace.store);
  try {
    await baseTree({ ...lock, packages }, store, { locale: "C.UTF-8", keep }, context);
  } catch (error) {
    assert.ok(error instanceof AshlarError, String(error));
    return error;
  } finally {
    await store.close();
  }
  throw new assert.AssertionError({ message: "the packages were installed" });
}

for (const script of ["preinst", "postinst"] as const) {
  void test(`a ${script} that fails is named with its last lines, and the build folder goes`, async () => {
    const workspace = ownPackages(lab.workspace(script));
    const context = watched(workspace);
    const error = await installWith(brokenPackage(script, workspace), context, false);
    assert.equal(error.code, "E_TREE_SCRIPT_FAILED");
    assert.match(error.message, /^the maintainer script of aa-broken failed with exit code \d+; its last lines:\n/);
    assert.match(error.message, /line 40 of (install|configure)\n/);
    assert.match(error.message, /the disk of localhost is purple/);
    assert.doesNotMatch(error.message, /line 5 of/);
    assert.match(error.hint ?? "", /ashlar build --keep/);
    assert.equal(error.details["package"], "aa-broken");
    assert.deepEqual(leftovers(workspace), []);
  });
}

void test("with --keep the build folder of a failed script stays, is named, and the next build starts anew", async () => {
  const workspace = ownPackages(lab.workspace("keep"));
  const broken = brokenPackage("preinst", workspace);
  const context = watched(workspace);
  await installWith(broken, context, true);
  const folder = /the build folder is kept: (.+)$/.exec(context.notes.at(-1) ?? "")?.[1] ?? "";
  assert.ok(folder.startsWith(`${workspace.work}/`), folder);
  assert.equal(readFileSync(join(folder, "usr/share/aa-broken"), "utf8"), "x");
  assert.equal(existsSync(join(folder, "usr/sbin/policy-rc.d")), false);
  await installWith(broken, watched(workspace), false);
  assert.deepEqual(leftovers(workspace), []);
});

void test("a full disk below the build folder is named, the store is sound", async () => {
  const workspace = lab.workspace("full-work");
  await using _mount = await tmpfs(workspace.work, "60M");
  await assert.rejects(buildSystem({ config: lab.config }, watched(workspace)), fullDisk(workspace.work));
  assert.deepEqual(leftovers(workspace), []);
  await sound(workspace);
});

void test("a full disk below the store is named, the store is sound, and with more room the next build is right", async () => {
  const workspace = lab.workspace("full-store");
  await using mount = await tmpfs(workspace.store, "100M");
  await assert.rejects(buildSystem({ config: lab.config }, watched(workspace)), fullDisk(workspace.store));
  assert.deepEqual(leftovers(workspace), []);
  await sound(workspace);
  await mount.resize("1G");
  const { image } = await buildSystem({ config: lab.config }, watched(workspace));
  assert.deepEqual(leftovers(workspace), []);
  await sound(workspace);
  expected = image.digest;
});

void test(`${KILLS} builds killed at random moments leave a sound store, and the next build is right on a host of another name`, async () => {
  const workspace = lab.workspace("killed");
  let killed = 0;
  for (let attempt = 0; attempt < KILLS; attempt++) {
    // The random part makes every run another test.
    const { exitCode } = await buildProcess(lab.config, workspace, { killAfter: 500 + 11_500 * Math.random() });
    if (exitCode === null) killed++;
    await sound(workspace);
  }
  assert.ok(killed > 0, "no build was slow enough to be killed");
  const prefix = ["unshare", "--uts", "sh", "-c", `hostname elsewhere && exec "$@"`, "sh"];
  const { exitCode, stdout, stderr } = await buildProcess(lab.config, workspace, { prefix, env: { TZ: "Asia/Kolkata" } });
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout.trim(), expected ?? (await buildSystem({ config: lab.config }, watched(lab.workspace("undisturbed")))).image.digest);
  await sound(workspace);
  assert.deepEqual(leftovers(workspace), []);
});

function fullDisk(folder: string): Partial<AshlarError> & object {
  return {
    code: "E_BUILD_SPACE",
    message: `no space left in ${folder} while building; nothing was changed`,
    hint: "free some space, run `ashlar collect`, or set ASHLAR_CACHE to a folder on a larger disk",
    details: { folder },
  };
}

/** Build folders that are still there; a lock file of a step is none. */
function leftovers({ work }: Workspace): string[] {
  return existsSync(work) ? readdirSync(work).filter((name) => !name.endsWith(".lock")) : [];
}

async function sound(workspace: Workspace): Promise<void> {
  assert.deepEqual((await checkStore({ repair: false }, watched(workspace))).problems, []);
}

/** The crafted package must not get into the cache of this machine. */
function ownPackages(workspace: Workspace): Workspace {
  const packages = join(workspace.root, "own-packages");
  mkdirSync(packages);
  for (const name of readdirSync(workspace.packages)) symlinkSync(join(workspace.packages, name), join(packages, name));
  return { ...workspace, packages };
}

async function tmpfs(folder: string, size: string): Promise<AsyncDisposable & { resize(size: string): Promise<void> }> {
  mkdirSync(folder, { recursive: true });
  await exec("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]);
  return {
    resize: async (larger) => void (await exec("mount", ["-o", `remount,size=${larger}`, folder])),
    [Symbol.asyncDispose]: async () => void (await exec("umount", [folder])),
  };
}
