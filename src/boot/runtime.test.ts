import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { exec } from "#sys/exec.ts";
import type { System } from "#config/system.ts";
import { updatesOf } from "#config/updates.ts";
import { bootContributions } from "./runtime.ts";

type Settings = Pick<System, "state" | "ssh" | "boot" | "updates">;
const ssh = { enable: true, port: 22, passwordAuthentication: false, permitRootLogin: "no" } as const;
const defaults: Settings = {
  ssh,
  state: { etcMode: "ephemeral", etc: ["ssh/key", "machine-id"], var: {}, varMode: "persistent", wiped: 3, schemas: {} },
  boot: { timeout: 3, tries: 3, deadline: 900, failsafe: "login", factoryReset: false },
  updates: updatesOf(),
};

const contribute = (settings: Partial<Settings> = {}): Map<string, string> =>
  new Map(
    bootContributions({ ...defaults, ...settings } as System).map((item) => [
      item.path,
      item.kind === "file" ? item.content.toString() : item.kind === "symlink" ? `-> ${item.target}` : item.kind,
    ]),
  );

test("no link and no file lies in /etc", () => {
  assert.deepEqual(
    [...contribute().keys()].filter((path) => path.startsWith("/etc/")),
    [],
  );
});

test("every enabled unit is there, and every script that a unit runs", () => {
  const items = contribute();
  for (const [path, text] of items) {
    if (/\.(wants|requires)\//.test(path)) assert.ok(items.has(`/usr/lib/systemd/system/${path.slice(path.lastIndexOf("/") + 1)}`), path);
    for (const [, script] of text.matchAll(/^Exec\w+=\/bin\/sh (\S+)/gm)) assert.ok(items.has(script ?? ""), `${path} runs ${script}`);
  }
  assert.ok(items.has("/usr/lib/systemd/system/boot-complete.target.requires/ashlar-health.service"));
});

test("no unit asks for a mount that the initrd made: systemd would not see that it is to stay", () => {
  const schemas = { "postgresql.service": { version: 17, paths: ["/var/lib/postgresql"], snapshot: true } };
  const updates = updatesOf({ automatic: {}, neighbours: { serve: true } });
  const items = contribute({ state: { ...defaults.state, schemas }, updates });
  const lasting = [...items.keys()].flatMap((path) => /\/(\w+)\.mount\.d\/10-ashlar\.conf$/.exec(path)?.[1] ?? []);
  assert.ok(lasting.includes("state") && lasting.includes("sysroot"));
  for (const [path, text] of items)
    for (const [, wanted = ""] of text.matchAll(/^RequiresMountsFor=(.*)$/gm))
      for (const name of wanted.split(" ")) assert.ok(!lasting.includes(name.slice(1)), `${path}: ${name}`);
});

test("the initrd's list of state files is sorted, one to a line, and each is watched", () => {
  const items = contribute();
  assert.equal(items.get("/usr/lib/ashlar/etc-mode"), "ephemeral\n");
  assert.equal(items.get("/usr/lib/ashlar/state-etc"), "machine-id\nssh/key\n");
  assert.match(
    items.get("/usr/lib/systemd/system/ashlar-state-save.path") ?? "",
    /PathChanged=\/etc\/machine-id\nPathChanged=\/etc\/ssh\/key\n/,
  );
});

test("a persistent /etc, or nothing declared, needs no saving; no sshd needs no key", () => {
  const has = (items: Map<string, string>, word: string): boolean => [...items.keys()].some((path) => path.includes(word));
  assert.equal(has(contribute(), "state-save"), true);
  assert.equal(has(contribute({ state: { ...defaults.state, etcMode: "persistent" } }), "state-save"), false);
  assert.equal(has(contribute({ state: { ...defaults.state, etc: [] } }), "state-save"), false);
  assert.equal(has(contribute(), "ssh-keys"), true);
  assert.equal(has(contribute({ ssh: { ...ssh, enable: false } }), "ssh-keys"), false);
});

test("masks lie before the packages' units in systemd's search path, and replace no file of a package", () => {
  const items = contribute();
  assert.equal(items.get("/usr/local/lib/systemd/system/systemd-remount-fs.service"), "-> /dev/null");
  assert.equal(items.get("/usr/local/lib/systemd/system-generators/systemd-gpt-auto-generator"), "-> /dev/null");
});

test("the scripts are valid for a POSIX shell, and the mount script reads as one page", async () => {
  const assets = new URL("./assets/", import.meta.url);
  for (const name of readdirSync(assets)) {
    await exec("/bin/sh", ["-n", new URL(name, assets).pathname]);
    assert.ok(readFileSync(new URL(name, assets), "utf8").split("\n").length <= 70, name);
  }
});

test("an ephemeral /var carries over what is state or a log, and the data of services with a version", () => {
  const state: System["state"] = {
    ...defaults.state,
    varMode: "ephemeral",
    wiped: 5,
    var: { "/var/lib/a": "state", "/var/lib/a/cache": "state", "/var/log/b": "log", "/var/cache/c": "cache", "/var/lib/d": "ephemeral" },
    schemas: { "db.service": { paths: ["/srv/db", "/var/lib/db"], version: 3, snapshot: true } },
  };
  const items = contribute({ state });
  assert.equal(items.get("/usr/lib/ashlar/var-mode"), "ephemeral\n");
  assert.equal(items.get("/usr/lib/ashlar/var-keep"), "/var/lib/a\n/var/lib/db\n/var/log/b\n");
  assert.match(items.get("/usr/lib/systemd/system/ashlar-wiped.service") ?? "", /wiped\.sh 5$/m);
  assert.match(items.get("/usr/lib/systemd/system/db.service.d/10-ashlar-schema.conf") ?? "", /^Requires=ashlar-schema-db\.service$/m);
  assert.match(items.get("/usr/lib/systemd/system/ashlar-schema-db.service") ?? "", /^ExecStart=.* db\.service 3$/m);
});

test("an image says what the boot menu may start of it, and has the units for just that", () => {
  const of = (boot: Partial<System["boot"]>): [string | undefined, boolean, boolean, boolean] => {
    const items = contribute({ boot: { ...defaults.boot, ...boot } });
    const has = (unit: string): boolean => items.has(`/usr/lib/systemd/system/${unit}`);
    return [
      items.get("/usr/lib/ashlar/recovery"),
      has("ashlar-failsafe.target"),
      has("ashlar-failsafe-shell.service"),
      has("ashlar-reset.target"),
    ];
  };
  assert.deepEqual(of({}), ["failsafe\n", true, false, false]);
  assert.deepEqual(of({ failsafe: "shell" }), ["failsafe\n", true, true, false]);
  assert.deepEqual(of({ failsafe: "off", factoryReset: true }), ["reset\n", false, false, true]);
  assert.deepEqual(of({ failsafe: "off" }), ["\n", false, false, false]);
});

test("a timer looks for releases only when the config wants it, spread so that its window is still open", () => {
  const timer = "/usr/lib/systemd/system/ashlar-update.timer";
  assert.equal(contribute().has(timer), false);
  const staged = contribute({ updates: updatesOf({ automatic: { window: ["02:00-04:00"] } }) }).get(timer) ?? "";
  assert.match(staged, /^OnUnitInactiveSec=6h\nRandomizedDelaySec=60min\nFixedRandomDelay=yes$/m);
  const applied = contribute({
    updates: updatesOf({ automatic: { mode: "apply", hours: 12, window: ["Sat,Sun 02:00-02:40", "Mon 23:00-01:00"] } }),
  });
  assert.match(
    applied.get(timer) ?? "",
    /^OnUnitInactiveSec=12h\nOnCalendar=Sun,Sat \*-\*-\* 02:00\nOnCalendar=Mon \*-\*-\* 23:00\nRandomizedDelaySec=20min$/m,
  );
  assert.ok(applied.has("/usr/lib/systemd/system/timers.target.wants/ashlar-update.timer"));
});

test("neighbours get objects only when the config wants it, from a process without rights, in the named networks", () => {
  const [socket, service] = ["socket", "service"].map((type) => `/usr/lib/systemd/system/ashlar-neighbours.${type}`) as [string, string];
  assert.equal(contribute().has(socket), false);
  const items = contribute({ updates: updatesOf({ neighbours: { serve: true, port: 99, allow: ["192.0.2.0/24"] } }) });
  assert.match(items.get(socket) ?? "", /^ListenStream=99\nIPAddressDeny=any\nIPAddressAllow=localhost 192\.0\.2\.0\/24$/m);
  assert.match(items.get(service) ?? "", /^DynamicUser=yes$/m);
  assert.match(items.get(service) ?? "", /^IPAddressAllow=localhost 192\.0\.2\.0\/24$/m);
});
