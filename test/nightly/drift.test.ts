/** What people change by hand on a machine that has lived: seen, answered, adopted, lost and recovered; and the one-line fix. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { adoptDrift, readDrift } from "#pipeline";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

interface Item {
  readonly kind: string;
  readonly name: string;
  readonly change: string;
  readonly what: readonly string[];
  readonly package?: string;
  readonly option?: string;
  readonly secret?: true;
}

interface Drift {
  readonly drift: readonly Item[];
  readonly allowed: readonly Item[];
  readonly expired: readonly { readonly name: string }[];
  readonly session?: { readonly by: string; readonly command: readonly string[] };
  readonly diffs?: readonly { readonly path: string; readonly text: string }[];
}

let live: Live;
const step = onMachine(() => live);
const { ask, sudo, restart } = personAt(() => live);
before(async () => {
  live = await openInstalled();
});
after(() => live?.close());

const BY_HAND = String.raw`
echo "Closed for repairs." >/etc/motd
printf "token\n" >/etc/app.secret && chmod 600 /etc/app.secret
rm /etc/nginx/sites-enabled/default
chmod 700 /etc/nginx/conf.d
ln -sfn /usr/share/zoneinfo/Europe/Rome /etc/localtime
systemctl mask --quiet e2scrub_all.timer
mkdir -p /run/systemd/system/nginx.service.d
printf "[Service]\nNice=5\nTimeoutStopSec=5min\n" >/run/systemd/system/nginx.service.d/override.conf
systemctl daemon-reload
systemctl stop nginx
systemd-run --quiet --unit=will-fail /bin/false
useradd -M bob
usermod -aG www-data demo
sysctl -qw kernel.pid_max=99999
mount -t tmpfs none /mnt
`;

step("nothing differs on a machine that nobody touched", async () => {
  assert.deepEqual((await drift()).drift, []);
  const { exitCode, out } = await live.sudo("ashlar drift --check");
  assert.deepEqual([exitCode, out], [0, "Nothing differs: the machine is what its generation says."]);
});

step("every kind of change by hand is listed with its owner", async () => {
  await sudo(BY_HAND);
  const { drift: found } = await drift();
  const line = ({ kind, name, change, what, package: brought, option }: Item): string =>
    [kind, name, change, what.join("+"), brought ?? "-", option ?? "-"].join(" ");
  assert.deepEqual(found.map(line), [
    "file /etc/app.secret added  - -",
    "file /etc/localtime changed content - timezone",
    "file /etc/motd changed content - files./etc/motd",
    "file /etc/nginx/conf.d changed mode nginx-common -",
    "file /etc/nginx/sites-enabled/default removed  - files./etc/nginx/sites-enabled/default",
    "file /etc/subgid changed content - -",
    "file /etc/subuid changed content - -",
    "group bob added  - -",
    "group www-data changed members - -",
    "mount /mnt added tmpfs none - -",
    "sysctl kernel.pid_max changed 99999 instead of 4194304 - -",
    "unit e2scrub_all.timer masked  e2fsprogs -",
    "unit nginx.service edited override.conf+until the next start nginx-common services.enable",
    "unit nginx.service stopped  nginx-common services.enable",
    "unit will-fail.service failed  - -",
    "user bob added  - -",
  ]);
  const { exitCode, out } = await live.sudo("ashlar drift --check");
  assert.equal(exitCode, 4);
  for (const text of out.split("\n")) assert.ok(text.length <= 80, text);
});

step("a text difference is shown on request, a secret never", async () => {
  const { diffs = [] } = await drift("--diff /etc/motd /etc/app.secret nginx.service");
  const texts = new Map(diffs.map(({ path, text }) => [path, text]));
  assert.match(
    texts.get("/etc/motd") ?? "",
    /^--- generation\/etc\/motd\n\+\+\+ machine\/etc\/motd\n@@ -1 \+1 @@\n-.*\n\+Closed for repairs\.$/,
  );
  assert.match(texts.get("/run/systemd/system/nginx.service.d/override.conf") ?? "", /\n\+\[Service\]\n\+Nice=5\n/);
  assert.equal(texts.get("/etc/app.secret"), "/etc/app.secret: may be a secret and is not shown");
  const exported = await sudo("ashlar drift export /etc/app.secret");
  assert.doesNotMatch(exported, new RegExp(Buffer.from("token\n").toString("base64")));
});

step("what is allowed is listed apart until its day, and then again", async () => {
  await sudo(`ashlar drift allow /mnt --until 14d --because "a disk is being copied"`);
  const now = await drift();
  assert.deepEqual([now.drift.some(({ name }) => name === "/mnt"), now.allowed.map(({ name }) => name)], [false, ["/mnt"]]);
  await sudo('sed -i \'s/"until": .*/"until": "2026-01-01",/\' /state/ashlar/allowed.json');
  const later = await drift();
  assert.deepEqual([later.drift.some(({ name }) => name === "/mnt"), later.expired.map(({ name }) => name)], [true, ["/mnt"]]);
  await sudo("ashlar drift allow /mnt --remove");
});

step("what is reverted is as the generation has it", async () => {
  await sudo("ashlar drift revert /etc/nginx /mnt kernel.pid_max nginx.service user:bob group:bob www-data /etc/localtime");
  assert.equal(await sudo("stat -c %a /etc/nginx/conf.d; systemctl is-active nginx; cat /proc/sys/kernel/pid_max"), "755\nactive\n4194304");
  assert.equal((await live.sudo("id bob")).exitCode, 1);
  assert.equal(await sudo("stat -c '%a %U:%G' /etc/shadow; systemctl show --property=Nice --value nginx"), "640 root:shadow\n0");
  assert.deepEqual(
    (await drift()).drift.map(({ kind, name }) => `${kind} ${name}`),
    ["file /etc/app.secret", "file /etc/motd", "file /etc/subgid", "file /etc/subuid", "unit e2scrub_all.timer", "unit will-fail.service"],
  );
  const refused = await live.sudo("ashlar drift revert will-fail.service");
  assert.deepEqual([refused.exitCode, /instead: systemctl restart will-fail\.service/.test(refused.out)], [1, true]);
});

step("one symbolic link in /usr/lib takes one command, is seen by all, and is recorded", async () => {
  await sudo("ashlar edit --keep -- ln -s libc.so.6 /usr/lib/libfix.so");
  assert.equal(await ask("readlink /usr/lib/libfix.so"), "libc.so.6");
  const { drift: found, session } = await drift();
  assert.deepEqual(
    found.filter(({ kind }) => kind === "usr").map(({ name, change }) => [name, change]),
    [["/usr/lib/libfix.so", "added"]],
  );
  assert.deepEqual(session?.command, ["ln", "-s", "libc.so.6", "/usr/lib/libfix.so"]);
  assert.match(
    await sudo("journalctl --no-pager -t ashlar-edit"),
    /ln -s libc\.so\.6 \/usr\/lib\/libfix\.so: keep: \/usr\/lib\/libfix\.so$/m,
  );
  assert.match(await ask("ashlar status"), /edit session of demo lies over \/usr/);
});

step("a second session works in the same overlay, and its end drops all of it, with /etc as it was", async () => {
  await sudo("rm -f /etc/hosts.new; echo first >/etc/edit.conf");
  const script =
    "echo second >/etc/edit.conf; echo x >/etc/edit.new; rm /usr/share/doc/nginx-common/copyright; sleep 600 </dev/null >/dev/null 2>&1 & cd /usr/lib";
  const { exitCode, out, err } = await live.sudo(`cd /usr/lib && ashlar edit --drop -- sh -c '${script}'`);
  assert.equal(exitCode, 0, err);
  assert.match(out, /usr +\/usr\/share\/doc\/nginx-common\/copyright +removed/);
  assert.match(out, /file +\/etc\/edit\.new +added/);
  assert.match(out, /Still using what was dropped, until they are restarted: .*sleep \(\d+\)/);
  assert.equal(
    await sudo("cat /etc/edit.conf; ls /etc/edit.new /usr/lib/libfix.so 2>&1 | wc -l; ls /usr/share/doc/nginx-common/copyright"),
    "first\n2\n/usr/share/doc/nginx-common/copyright",
  );
  assert.equal(await sudo("findmnt -n /usr || echo none"), "none");
  await sudo("rm /etc/edit.conf");
});

step("a config in YAML on the machine itself is changed there, and a system.ts is sent to the build host", async () => {
  await sudo("printf 'name: installed # here\\n' >/tmp/system.yaml; ashlar drift adopt /etc/motd --config /tmp/system.yaml");
  assert.equal(await sudo("cat /tmp/system.yaml"), "name: installed # here\nfiles:\n  /etc/motd: |\n    Closed for repairs.");
  const { exitCode, err } = await live.sudo("ashlar drift adopt /etc/motd --config /tmp/system.ts");
  assert.equal(exitCode, 1);
  assert.match(err, /hint: +there: ashlar adopt CONFIG --from demo@MACHINE \/etc\/motd/);
});

step("changes are adopted over ssh into the machine's own system.ts, and proven before it is written", async () => {
  await sudo("printf '[Service]\\nNice=7\\n' | systemctl edit --stdin nginx.service");
  await sudo("sysctl -qw kernel.pid_max=88888; ashlar edit --adopt -- ln -s libc.so.6 /usr/lib/libfix.so; rm /etc/subuid- /etc/subgid- -f");
  const { port, user, key } = live.target;
  const env = {
    ...process.env,
    ASHLAR_SSH: `ssh -q -i ${join(key.folder, "id")} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`,
  };
  const names = ["/etc/motd", "e2scrub_all.timer", "nginx.service", "kernel.pid_max", "/usr/lib/libfix.so"];
  const found = await readDrift({ from: `${user}@127.0.0.1:${port}`, names, secrets: false, env });
  const config = live.project.config;
  const original = readFileSync(config, "utf8");
  const { adopted, written } = await adoptDrift({ config, drift: found });
  assert.deepEqual([...adopted].sort(), [...names].sort());
  assert.deepEqual(written, ["machine.ts"]);
  const now = readFileSync(config, "utf8");
  for (const line of original.split("\n").slice(0, -2)) assert.ok(now.includes(line.trimEnd().replace(/[,}\s]*$/, "")), line);
  await assert.rejects(readDrift({ from: `${user}@127.0.0.1:${port}`, names: ["/etc/hosts"], secrets: false, env }), {
    code: "E_ADOPT_SSH",
    message: /\/etc\/hosts: it does not differ from the generation/,
  });
});

step("the next generation has the machine's bytes, and of what was adopted nothing differs any more", async () => {
  const before = await sudo(PRINTS);
  await live.project.publish(join(live.served, "releases"));
  await sudo(`ashlar upgrade --progress quiet --from ${live.address("releases")}`);
  await restart();
  assert.match(await sudo("ashlar status"), /runs generation 3/);
  assert.equal(await sudo(PRINTS), before);
  assert.equal(await sudo("systemctl is-enabled e2scrub_all.timer; systemctl show --property=Nice --value nginx"), "masked\n7");
  assert.deepEqual((await drift()).drift, []);
});

step("what nobody adopted was told to the journal and can be put back", async () => {
  const journal = await sudo("journalctl --no-pager -b -1 -u ashlar-drift-keep -p warning -o cat");
  assert.match(journal, /of \/etc that nobody adopted will be gone \(kept as 1: ashlar drift recover 1\):\n(.*\n)*.*\/etc\/app\.secret/);
  assert.equal((await live.sudo("cat /etc/app.secret")).exitCode, 1);
  assert.equal(await sudo("stat -c %a /state/ashlar/lost-etc; find /state/ashlar/lost-etc -name app.secret -printf %m"), "700\n600");
  assert.match(await sudo("ashlar drift recover 1 /etc/app.secret"), /^\/etc\/app\.secret is back/);
  assert.equal(await sudo("cat /etc/app.secret; stat -c %a /etc/app.secret"), "token\n600");
  assert.deepEqual(
    (await drift()).drift.map(({ name, secret }) => [name, secret]),
    [["/etc/app.secret", true]],
  );
});

const PRINTS =
  "cat /etc/motd /etc/systemd/system/nginx.service.d/override.conf; stat -c '%n %a %U:%G' /etc/motd /etc/systemd/system/nginx.service.d/override.conf; readlink /usr/lib/libfix.so /etc/systemd/system/e2scrub_all.timer; cat /proc/sys/kernel/pid_max";

/** The layers that the development loop puts over Ashlar's own folders are no drift of the machine. */
async function drift(args = ""): Promise<Drift> {
  const found = JSON.parse(await sudo(`ashlar drift --json ${args}`)) as Drift;
  return { ...found, drift: found.drift.filter(({ kind, what }) => kind !== "mount" || what[0] !== "overlay push") };
}
