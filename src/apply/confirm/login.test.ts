/** Logins on a /proc of files: which of them may confirm. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loginOf, newestSession, whyNot } from "./login.ts";

const proc = mkdtempSync(join(tmpdir(), "ashlar-login-"));
after(() => rmSync(proc, { recursive: true }));

const UNSET = "4294967295";
const SSHD = "/usr/lib/openssh/sshd-session";
const APPLIED = { boot: "one", since: 5000, session: 7 };

// An old login by ssh (7), a new one (8), cron (9), and this system's own processes.
add(1, { session: UNSET, loginuid: UNSET, started: 1, program: "/usr/lib/systemd/systemd" });
add(70, { session: "7", loginuid: "1000", started: 4000, program: SSHD });
add(71, { session: "7", loginuid: "1000", started: 9000, program: "/usr/bin/dash" });
add(80, { session: "8", loginuid: "1000", started: 6000, program: SSHD });
add(81, { session: "8", loginuid: "1000", started: 6001, program: "/usr/bin/sudo" });
add(90, { session: "9", loginuid: "1000", started: 6500, program: "/usr/sbin/cron" });
add(91, { session: "9", loginuid: "1000", started: 6501, program: "/usr/bin/dash" });

test("a login that was opened after the change by a program that asks who one is confirms it", () => {
  assert.deepEqual(loginOf(proc, 81), { session: 8, program: SSHD, started: 6000 });
  assert.equal(whyNot(loginOf(proc, 81), APPLIED, "one"), undefined);
});

test("a login from before does not, however new its processes are", () => {
  assert.match(whyNot(loginOf(proc, 71), APPLIED, "one") ?? "", /older than the change/);
});

test("after a restart every login is new", () => {
  assert.equal(whyNot(loginOf(proc, 71), APPLIED, "two"), undefined);
});

test("cron and services confirm nothing", () => {
  assert.match(whyNot(loginOf(proc, 91), APPLIED, "one") ?? "", /opened by \/usr\/sbin\/cron, which asks nobody/);
  assert.match(whyNot(loginOf(proc, 91), APPLIED, "two") ?? "", /cron/);
  assert.match(whyNot(loginOf(proc, 1), APPLIED, "one") ?? "", /belongs to no login/);
});

test("a login whose own number is an old one is old, and nothing confirms what is not complete", () => {
  assert.match(whyNot({ session: 7, program: SSHD, started: 6000 }, APPLIED, "one") ?? "", /older/);
  assert.match(whyNot(loginOf(proc, 81), { ...APPLIED, since: undefined }, "one") ?? "", /not complete/);
});

test("the newest login is known by its number", () => {
  assert.equal(newestSession(proc), 9);
});

interface Process {
  readonly session: string;
  readonly loginuid: string;
  readonly started: number;
  readonly program: string;
}

function add(pid: number, { session, loginuid, started, program }: Process): void {
  const folder = join(proc, String(pid));
  mkdirSync(folder);
  writeFileSync(join(folder, "sessionid"), session);
  writeFileSync(join(folder, "loginuid"), loginuid);
  writeFileSync(join(folder, "stat"), `${pid} (a) b) (c) S ${"0 ".repeat(18)}${started} 0 0\n`);
  symlinkSync(program, join(folder, "exe"));
}
