/**
 * A generation comes to a running machine: live, with undo, with a confirmation that is or is not given, and by a
 * soft-reboot. The machine was installed as generation 1 and upgraded to generation 2; the tests build on each other, in order.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openInstalled } from "../support/installed.ts";
import { BOOT_MS } from "../support/live-machine.ts";
import type { Live } from "../support/live-machine.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

/** Changes a file, a kernel setting, the web server's settings, and brings a service. */
const THIRD = `{
  files: { "/etc/motd": { text: "Generation three.\\n" }, "/etc/nginx/conf.d/third.conf": { text: "# three\\n" } },
  sysctl: { "kernel.printk": "4 4 1 7" },
  units: { "third.service": { text: "[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n", enable: true } },
}`;
/** Its probe fails. */
const BAD = `{
  files: { "/etc/motd": { text: "Bad.\\n" } },
  health: { commands: [{ name: "never", command: ["/usr/bin/false"], deadline: 10 }] },
}`;
const CONFIRMED = `{ files: { "/etc/motd": { text: "Five.\\n" } } }`;
/** Opens paths of /usr and /etc as fast as it can, until it is ended. */
const READER = `opens=0; missed=0
trap 'echo "$opens opens, $missed missed" >/tmp/reader.out; exit' TERM
while :; do for path in /usr/bin/env /usr/sbin/nginx /usr/lib/os-release /etc/passwd /etc/motd /etc/nginx/nginx.conf; do
true <$path || missed=$((missed+1)); opens=$((opens+1)); done; done`;

interface Line {
  readonly what: string;
  readonly cost: string;
  readonly units: readonly string[];
}

const SETTLED = "test ! -e /sysroot/ashlar/applied.json";

let live: Live;
const step = onMachine(() => live);
const { sudo, bootId, until } = personAt(() => live);

before(async () => {
  live = await openInstalled();
});

after(async () => {
  await live?.close();
});

step("the plan names each difference with its cost", async () => {
  await upgrade(THIRD);
  const plan = JSON.parse(await sudo("ashlar plan --json --progress quiet")) as { lines: Line[]; refused: { live: string[] } };
  const line = (what: RegExp): Line | undefined => plan.lines.find((each) => what.test(each.what));
  assert.equal(line(/^\/etc\/motd/)?.cost, "none");
  assert.deepEqual(line(/third\.conf/)?.units, ["reload nginx.service"]);
  assert.deepEqual(line(/^third\.service$/)?.units, ["start third.service"]);
  assert.deepEqual(plan.refused.live, []);
});

step("a live change is there at once, and nobody who opens a file meanwhile misses one", async (context) => {
  await live.ask(`cat >/tmp/reader.sh <<'END'\n${READER}\nEND`);
  const start = await bootId();
  const text = await sudo(
    "sh /tmp/reader.sh & reader=$!; ashlar apply --live --progress quiet; code=$?; kill $reader; wait $reader; cat /tmp/reader.out; exit $code",
  );
  assert.match(text, /^Generation 3 runs now\./);
  const [, opens = "0", missed] = /(\d+) opens, (\d+) missed/.exec(text) ?? [];
  assert.equal(missed, "0", text);
  assert.ok(Number(opens) > 1000, text);
  context.diagnostic(`${opens} opens during the change, none missed`);
  assert.equal(
    await sudo("cat /etc/motd; systemctl is-active third nginx; cat /proc/sys/kernel/printk"),
    "Generation three.\nactive\nactive\n4\t4\t1\t7",
  );
  assert.equal(await bootId(), start);
  assert.match(await sudo("ashlar status"), /: runs generation 3, which was applied to a start of generation 2; starts it again\n/);
  assert.match(await sudo("ls /efi/loader/entries"), /ashlar-000003\+1\.conf/, "it is on trial until it has started");
});

step("a generation whose probe fails is taken back, and everything is as before", async () => {
  await upgrade(BAD);
  const { exitCode, err } = await live.sudo("ashlar apply --live --progress quiet");
  assert.equal(exitCode, 1);
  assert.match(err, /probe never: .*generation 3 runs again, as before/s);
  assert.equal(await sudo("cat /etc/motd; systemctl is-active third nginx; ls /run/ashlar/live"), "Generation three.\nactive\nactive\n3");
  assert.match(await sudo("ashlar status"), /starts it again\n/);
});

step("a change that nobody confirms takes itself back; the login from before cannot confirm it", async () => {
  await upgrade(CONFIRMED);
  // One connection that lasts: what confirms afterwards is the same login that applied it.
  const { exitCode, out, err } = await live.sudo("ashlar apply --live --confirm 60s --progress quiet && cat /etc/motd && ashlar confirm");
  assert.equal(exitCode, 1);
  assert.match(out, /Five\.$/);
  assert.match(err, /E_CONFIRM_LOGIN/);
  // Whoever kills the countdown does not keep it.
  await sudo("kill -9 $(systemctl show -P MainPID ashlar-confirm.service)");
  for (const end = Date.now() + BOOT_MS; (await sudo("cat /etc/motd")) !== "Generation three."; await sleep(5000))
    assert.ok(Date.now() < end, "it was not taken back");
  await until(SETTLED);
});

step("a new login confirms it", async () => {
  const number = await sudo("ls /sysroot/ashlar/deployments | grep -c 00000.*json");
  await sudo(`ashlar apply ${number} --live --confirm 30m --progress quiet`);
  assert.match(await sudo("ashlar confirm"), /stays\.$/);
  assert.equal(
    await sudo("cat /etc/motd; ls /sysroot/ashlar/applied.json 2>&1 || true"),
    "Five.\nls: cannot access '/sysroot/ashlar/applied.json': No such file or directory",
  );
});

step("a soft-reboot starts everything anew but the kernel", async (context) => {
  await upgrade(`{ files: { "/etc/motd": { text: "Six.\\n" } } }`);
  const start = await bootId();
  // The connection may end before the command does.
  const { exitCode, err } = await live.sudo("ashlar apply --soft-reboot --progress quiet");
  assert.ok(exitCode === 0 || exitCode === 255, err);
  await until(`test "$(cat /etc/motd)" = Six. && ${SETTLED}`);
  assert.equal(await bootId(), start);
  assert.match(await sudo("ashlar status"), /starts it again\n/);
  const { seconds } = JSON.parse(await sudo("cat /sysroot/ashlar/downtime.json")) as { seconds: Readonly<Record<string, number>> };
  assert.ok((seconds["soft-reboot"] ?? 0) > 0);
  context.diagnostic(`soft-reboot: ${seconds["soft-reboot"]} s until the probes had passed`);
});

async function upgrade(part: string): Promise<void> {
  await live.publish(part);
  await sudo(`ashlar upgrade --progress quiet --from ${live.address("releases")}`);
}
