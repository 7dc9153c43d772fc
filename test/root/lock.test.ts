/** Debian's real archive, Ashlar's own tools, and apt's answers. Needs a mirror (ASHLAR_MIRROR or apt sources) once. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { AshlarError } from "#errors";
import { openArchives } from "#archive/open.ts";
import { lockDifference } from "#lock/difference.ts";
import { lockFits, lockText } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { resolve } from "#lock/resolve.ts";
import { silentReporter } from "#report/reporter.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { openWorkspace } from "#workspace";
import { SYSTEM } from "../support/lock-fixture.ts";

const workspace = openWorkspace();
const system = { ...SYSTEM, packages: ["hello"] };
let toolchain: Toolchain;
let lock: Lock;

before(async () => {
  toolchain = await openToolchain("build", { workspace, report: silentReporter });
  lock = await resolve(system, { workspace, report: silentReporter, toolchain });
});

void test("the archive is signed by Debian's keys and has all of its suites", async () => {
  const request = { suite: "trixie", architecture: "amd64", components: ["main"], refresh: "always" } as const;
  const archives = await openArchives(request, { workspace, report: silentReporter });
  assert.deepEqual(
    archives.map(({ root, suite }) => `${root}/${suite}`),
    ["debian/trixie", "debian/trixie-updates", "debian-security/trixie-security"],
  );
});

void test("a system gets its packages, the essential ones, a kernel, and no maker of initrds but Ashlar", () => {
  const names = new Set(lock.packages.map(({ name }) => name));
  for (const name of ["hello", "base-files", "dpkg", "systemd", "linux-image-cloud-amd64", "ashlar-initrd"])
    assert.ok(names.has(name), name);
  for (const name of ["initramfs-tools", "dracut"]) assert.ok(!names.has(name), name);
  assert.deepEqual(lockFits(lock, system), { fits: true });
});

void test("the same system and the same archives give the same lock, offline and in any order of the list", async () => {
  const again = await resolve(
    { ...system, packages: [...system.packages].toReversed() },
    { workspace, report: silentReporter, toolchain, previous: lock, offline: true },
  );
  assert.equal(lockText(again), lockText(lock));
});

void test("a further package changes nothing else", async () => {
  const more = await resolve({ ...system, packages: ["hello", "tree"] }, { workspace, report: silentReporter, toolchain, previous: lock });
  const { added, removed, upgraded, downgraded } = lockDifference(lock, more);
  assert.deepEqual([added.map(({ name }) => name), removed, upgraded, downgraded], [["tree"], [], [], []]);
});

void test("unknown packages are named with what may have been meant", async () => {
  await assert.rejects(
    resolve({ ...system, packages: ["nignx", "openssh-servr"] }, { workspace, report: silentReporter, toolchain, previous: lock }),
    (error) => {
      assert.ok(error instanceof AshlarError);
      assert.equal(error.code, "E_LOCK_UNKNOWN_PACKAGE");
      assert.match(error.message, /there is no package nignx; did you mean .*nginx/);
      assert.match(error.message, /there is no package openssh-servr; did you mean openssh-server/);
      return true;
    },
  );
});

void test("packages that cannot be installed together are explained", async () => {
  await assert.rejects(
    resolve({ ...system, packages: ["exim4-daemon-light", "postfix"] }, { workspace, report: silentReporter, toolchain, previous: lock }),
    { code: "E_LOCK_UNSATISFIABLE", message: /conflicts with mail-transport-agent/ },
  );
});
