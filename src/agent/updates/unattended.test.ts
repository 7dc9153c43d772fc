/** What the timer does: as far as the config says, never over a connection that costs, and running it only in its window. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ashlar, bootState, json, openLab, publisherHere } from "../../../test/support/machine-lab.ts";
import type { Lab } from "../../../test/support/machine-lab.ts";
import { AUTOMATIC, configure, routeThrough } from "../../../test/support/updates.ts";
import { defaultInterfaces } from "./metered.ts";

const { home: place, publisher } = await publisherHere();

async function lab(name: string): Promise<Lab> {
  const made = await openLab(join(place.path, name), publisher);
  await publisher.release(made.releases, 2);
  mkdirSync(join(made.machine.root, "proc/net"), { recursive: true });
  return made;
}

const interfaces = (metered?: boolean) => ({
  interfaces: {
    mobile: { match: "en* ww*", dhcp: "yes", addresses: [], gateway: [], dns: [], ...(metered === undefined ? {} : { metered }) },
  } as const,
});

void test("without updates.automatic it does nothing and says who decides", async () => {
  const { machine } = await lab("manual");
  const { exitCode, err } = await ashlar(machine, "upgrade", "--unattended");
  assert.equal(exitCode, 1);
  assert.match(err, /E_UPDATE_NOT_AUTOMATIC/);
});

for (const [mode, outcome] of [
  ["check", "available"],
  ["download", "downloaded"],
  ["stage", "staged"],
] as const)
  void test(`with the mode ${mode} a release is ${outcome}, and no more`, async () => {
    const { machine } = await lab(`mode-${mode}`);
    configure(machine, { updates: { automatic: { ...AUTOMATIC, mode } } });
    const state = bootState(machine);
    assert.equal((await json<{ outcome: string }>(machine, "upgrade", "--unattended")).outcome, outcome);
    if (mode === "stage") assert.notDeepEqual(bootState(machine), state);
    else assert.deepEqual(bootState(machine), state);
  });

void test("over a mobile network nothing is fetched, unless the config says that it does not matter or that it is not metered", async () => {
  const { machine } = await lab("mobile");
  routeThrough(machine, "wwan0");
  const state = bootState(machine);
  configure(machine, { updates: { automatic: AUTOMATIC } });
  const refused = await json<{ outcome: string; why: string }>(machine, "upgrade", "--unattended");
  assert.deepEqual([refused.outcome, refused.why], ["metered", "wwan0 is a mobile network"]);
  assert.deepEqual(bootState(machine), state);
  assert.match((await ashlar(machine, "status")).out, /the connection is metered \(wwan0 is a mobile network\)/);
  configure(machine, { updates: { automatic: { ...AUTOMATIC, mode: "check", metered: true } } });
  assert.equal((await json<{ outcome: string }>(machine, "upgrade", "--unattended")).outcome, "available");
  configure(machine, { updates: { automatic: AUTOMATIC }, network: interfaces(false) });
  assert.equal((await json<{ outcome: string }>(machine, "upgrade", "--unattended")).outcome, "staged");
});

void test("an interface that the config calls metered is, whatever its name", async () => {
  const { machine } = await lab("called");
  routeThrough(machine, "wwx1");
  configure(machine, { updates: { automatic: { ...AUTOMATIC } }, network: interfaces(true) });
  assert.match((await json<{ why: string }>(machine, "upgrade", "--unattended")).why, /wwx1: the config says so/);
  rmSync(join(machine.root, "proc/net/route"));
  assert.equal((await json<{ outcome: string }>(machine, "upgrade", "--unattended")).outcome, "staged");
});

void test("with the mode apply it waits for its window", async () => {
  const { machine } = await lab("window");
  const now = new Date();
  // An hour that is as far away as it can be.
  const far = `${String((now.getHours() + 12) % 24).padStart(2, "0")}:00-${String((now.getHours() + 13) % 24).padStart(2, "0")}:00`;
  configure(machine, { updates: { automatic: { ...AUTOMATIC, mode: "apply", window: [far] } } });
  const { outcome, waits } = await json<{ outcome: string; waits: string[] }>(machine, "upgrade", "--unattended");
  assert.deepEqual([outcome, waits], ["staged", [far]]);
  // In the window it goes as far as a folder in which nothing really runs can go.
  configure(machine, { updates: { automatic: { ...AUTOMATIC, mode: "apply", window: ["00:00-24:00"] } } });
  const { exitCode, err } = await ashlar(machine, "upgrade", "--unattended");
  assert.equal(exitCode, 1);
  assert.match(err, /E_APPLY_/);
});

void test("flags that exclude each other are refused", async () => {
  const { machine } = await lab("flags");
  for (const flags of [
    ["--check", "--download"],
    ["--check", "--reboot"],
    ["--unattended", "--from", "/x"],
  ])
    assert.equal((await ashlar(machine, "upgrade", ...flags)).exitCode, 2, flags.join(" "));
});

void test("the interface of the preferred default route comes first, and routes that are down do not count", () => {
  const v4 = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0",
    "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
    "eth1\t00000000\t0102A8C0\t0002\t0\t0\t50\t00000000\t0\t0\t0",
    "eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0",
    "",
  ].join("\n");
  const zeros = "0".repeat(32);
  const v6 = `${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 00000010 00000001 00000000 00000003 ens3\n${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200 lo\n`;
  assert.deepEqual(defaultInterfaces(v4, ""), ["eth0", "wlan0"]);
  assert.deepEqual(defaultInterfaces(v4, v6), ["ens3", "eth0", "wlan0"]);
  assert.deepEqual(defaultInterfaces("", ""), []);
});
