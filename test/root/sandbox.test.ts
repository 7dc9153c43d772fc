/** What a program in the sandbox can and cannot do. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { silentReporter } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { SandboxOptions } from "#toolchain/sandbox.ts";
import { openWorkspace } from "#workspace";

let toolchain: Toolchain;
let folder: string;

before(async () => {
  toolchain = await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
  folder = mkdtempSync(join(tmpdir(), "ashlar-sandbox-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function run(script: string, options: SandboxOptions = {}): Promise<string> {
  const { stdout } = await runInToolchain(toolchain, "sh", ["-c", script], options);
  return stdout.toString().trim();
}

void test("a second opening of the tools takes no time", async () => {
  const started = performance.now();
  const again = await openToolchain("build", { workspace: openWorkspace(), report: silentReporter });
  assert.equal(again.root, toolchain.root);
  assert.ok(performance.now() - started < 1000, "the tree was made again");
});

void test("the tools are there and cannot be changed", async () => {
  assert.match(
    await run("dpkg --version && apt-get --version && mke2fs -V 2>&1 && fsck.erofs -V 2>&1"),
    /dpkg[^]*apt 3[^]*mke2fs[^]*erofs/,
  );
  assert.equal(await run("touch /usr/x /etc/x 2>/dev/null || echo refused"), "refused");
});

void test("nothing of the build host is visible", async () => {
  assert.equal(await run(`ls ${folder} /work /home /sys /boot 2>/dev/null; true`), "");
  assert.equal(await run("echo $PATH:$LC_ALL:$TZ; env | wc -l"), "/usr/sbin:/usr/bin:/sbin:/bin:C.UTF-8:UTC\n5");
  assert.equal(await run("cat /proc/sys/kernel/hostname"), "ashlar");
  // Its first process, the shell, and what the shell has started so far.
  const processes = Number(await run("ls /proc | grep -c '^[0-9]*$'"));
  assert.ok(processes >= 2 && processes <= 4, `${processes} processes are seen`);
});

void test("there is no network but the loopback unless asked for", async () => {
  const interfaces = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '";
  assert.equal(await run(interfaces), "lo");
  assert.notEqual(await run(interfaces, { network: true }), "lo");
});

void test("root in the sandbox cannot mount, load modules or set the clock, but can own and make files", async () => {
  assert.equal(await run("mount -t tmpfs x /tmp 2>/dev/null || date -s @0 >/dev/null 2>&1 || echo refused"), "refused");
  const binds = [{ from: folder, to: "/target" }];
  assert.equal(
    await run("cd /target && touch a && chown 33:42 a && chmod 4755 a && mknod null c 1 3 && stat -c '%u:%g %a' a", { binds }),
    "33:42 4755",
  );
  assert.equal(statSync(join(folder, "a")).uid, 33);
});

void test("a folder that is bound read-only cannot be changed", async () => {
  const binds = [{ from: folder, to: "/mnt/in", readonly: true }];
  assert.equal(await run("touch /mnt/in/x 2>/dev/null || echo refused", { binds }), "refused");
});

void test("another root hides the tools", async () => {
  const root = join(folder, "root");
  for (const name of ["usr/bin", "proc", "dev", "tmp"]) mkdirSync(join(root, name), { recursive: true });
  const program = join(root, "usr/bin/probe");
  // A static program would be needed to run anything else: the loader itself is one.
  await exec("/bin/cp", [join(toolchain.root, "usr/lib64/ld-linux-x86-64.so.2"), program]);
  chmodSync(program, 0o755);
  const { stdout } = await runInToolchain(toolchain, "/usr/bin/probe", ["--version"], { root });
  assert.match(stdout.toString(), /^ld\.so/);
  const missing = await runInToolchain(toolchain, "/usr/bin/dpkg", [], { root, allowFailure: true });
  assert.notEqual(missing.exitCode, 0);
});

void test("dpkg installs into a bound folder, with /proc and /dev inside it", async () => {
  const target = join(folder, "target");
  const deb = join(folder, "deb");
  mkdirSync(join(deb, "DEBIAN"), { recursive: true });
  writeFileSync(
    join(deb, "DEBIAN/control"),
    "Package: probe\nVersion: 1\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: x\n",
  );
  for (const name of ["var/lib/dpkg/info", "var/lib/dpkg/updates", "proc", "dev"]) mkdirSync(join(target, name), { recursive: true });
  writeFileSync(join(target, "var/lib/dpkg/status"), "");
  const output = await run(
    "dpkg-deb --root-owner-group --build /deb /tmp/probe.deb >/dev/null && dpkg --root=/target --install /tmp/probe.deb && test -e /target/proc/self && test -c /target/dev/null && dpkg --root=/target -s probe",
    {
      binds: [
        { from: target, to: "/target" },
        { from: deb, to: "/deb", readonly: true },
      ],
      procAt: ["/target/proc"],
      devAt: ["/target/dev"],
    },
  );
  assert.match(output, /Status: install ok installed/);
});

void test("a failing program's last lines are in the error", async () => {
  await assert.rejects(run("echo something broke >&2; exit 3"), { code: "E_EXEC_FAILED", message: /exit code 3[^]*something broke/ });
});
