/** Machines that follow sources in every way that a config can say. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { System } from "../../src/config/system.ts";
import type { FakeMachine } from "./fake-machine.ts";

/** Changes what the image of a machine says about updates and its network. */
export function configure(
  machine: FakeMachine,
  { updates, network = { interfaces: {} } }: { updates: Partial<System["updates"]>; network?: System["network"] },
): void {
  const path = join(machine.root, "usr/lib/ashlar/system.json");
  const system = JSON.parse(readFileSync(path, "utf8")) as System;
  writeFileSync(path, JSON.stringify({ ...system, network, updates: { ...system.updates, ...updates } }));
}

export const AUTOMATIC = { mode: "stage", hours: 6, jitter: 60, window: [], metered: false } as const;

/** A default route through an interface of this name, as the kernel tells it. */
export function routeThrough(machine: FakeMachine, name: string): void {
  writeFileSync(
    join(machine.root, "proc/net/route"),
    `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n${name}\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n`,
  );
}
