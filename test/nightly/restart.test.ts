/**
 * What a change survives: a kill in each of its phases, and a restart before anybody confirmed it; and the ways that start a
 * kernel. The machine was installed as generation 1 and upgraded to generation 2; the tests build on each other, in order.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

/** Its service takes so long to start that there is time to kill what waits for it. */
const THIRD = `{
  files: { "/etc/motd": "Three.\\n", "/etc/nginx/conf.d/third.conf": "# three\\n" },
  units: { "slow.service": { text: "[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/usr/bin/sleep 15\\n[Install]\\nWantedBy=multi-user.target\\n", enable: true } },
}`;
const FOURTH = `{ files: { "/etc/motd": "Four.\\n" }, kernel: { arguments: ["test.fourth"] } }`;
const FIFTH = `{ files: { "/etc/motd": "Five.\\n" }, kernel: { arguments: ["test.fifth"] } }`;

let live: Live;
const step = onMachine(() => live);
const { sudo, status, restart, until } = personAt(() => live);
/** What the machine says while nothing is applied. */
let motd: string;

before(async () => {
  live = await openInstalled();
  motd = await sudo("cat /etc/motd");
});

after(async () => {
  await live?.close();
});

for (const phase of ["preparing", "switching", "settling"])
  step(`an apply that is killed while it is ${phase} is put back by itself`, async () => {
    if (phase === "preparing") await upgrade(THIRD);
    await sudo(
      `ashlar apply --live --progress quiet >/dev/null 2>&1 & pid=$!
until grep -qs '"phase":"${phase}"' /run/ashlar/apply.json; do :; done; kill -9 $pid`,
    );
    await until("test ! -e /run/ashlar/apply.json && ! systemctl is-active --quiet ashlar-apply-guard.service");
    assert.equal(
      await sudo("cat /etc/motd; systemctl is-active nginx; ls /etc/nginx/conf.d; systemctl is-active slow || true"),
      `${motd}\nactive\ninactive`,
    );
    assert.match(await sudo("ashlar status"), /runs generation 2\b/);
    assert.equal(await sudo("findmnt --noheadings --output SOURCE /usr || echo none"), "none");
    // It was to start next before, and is not to blame.
    assert.equal(await nextStart(), 3);
  });

step("a change that nobody confirmed before a restart takes itself back after it", async () => {
  await sudo("ashlar apply 3 --live --confirm 5m --progress quiet");
  assert.equal(await sudo("cat /etc/motd"), "Three.");
  await restart();
  assert.equal(await sudo("cat /etc/motd"), "Three.");
  await until(`test "$(cat /etc/motd)" != Three. && test ! -e /sysroot/ashlar/applied.json`);
  assert.equal(await sudo("cat /etc/motd"), motd);
  assert.equal(await nextStart(), 2);
  const { exitCode, err } = await live.sudo("ashlar confirm");
  assert.deepEqual([exitCode, /E_CONFIRM_NOTHING/.test(err)], [1, true]);
});

step("other kernel arguments take a kexec, which the plan says and which needs no firmware", async (context) => {
  await upgrade(FOURTH);
  const plan = JSON.parse(await sudo("ashlar plan --json --progress quiet")) as { way: string; refused: { kexec: readonly string[] } };
  assert.deepEqual([plan.way, plan.refused.kexec], ["kexec", []]);
  const firmware = count(/systemd-boot|BdsDxe/g);
  await restart("ashlar apply --kexec --progress quiet");
  assert.equal(await sudo("cat /etc/motd; grep -o test.fourth /proc/cmdline"), "Four.\ntest.fourth");
  await until("test ! -e /sysroot/ashlar/applied.json && systemctl is-active --quiet ashlar-health.service");
  assert.match(await sudo("ashlar status"), /runs generation 4\b/);
  assert.equal(count(/systemd-boot|BdsDxe/g), firmware);
  context.diagnostic(`kexec: ${await downtime("kexec")} s until the probes had passed`);
});

step("a reboot applies, too, and nobody who confirms in time loses the change", async (context) => {
  await upgrade(FIFTH);
  await restart("ashlar apply --reboot --confirm 20m --progress quiet");
  assert.equal(await sudo("cat /etc/motd; grep -o test.fifth /proc/cmdline"), "Five.\ntest.fifth");
  await until("systemctl is-active --quiet ashlar-confirm.service");
  assert.match(await sudo("ashlar confirm"), /stays\.$/);
  assert.match(await sudo("ashlar status"), /runs generation 5 \(good\)/);
  context.diagnostic(`reboot: ${await downtime("reboot")} s until the probes had passed`);
});

async function upgrade(part: string): Promise<void> {
  await live.publish(part);
  await sudo(`ashlar upgrade --progress quiet --from ${live.address("releases")}`);
}

async function nextStart(): Promise<number> {
  return (await status<{ next: { generation: number } }>()).next.generation;
}

async function downtime(way: string): Promise<number | undefined> {
  const { seconds } = JSON.parse(await sudo("cat /sysroot/ashlar/downtime.json")) as { seconds: Readonly<Record<string, number>> };
  return seconds[way];
}

function count(what: RegExp): number {
  return [...live.machine.console.transcript().matchAll(what)].length;
}
