/** Does what a plan asks of systemd and of the kernel, and takes it back. */
import { readFileSync, writeFileSync } from "node:fs";
import { exec } from "#sys/exec.ts";
import type { Jobs } from "../plan/jobs.ts";
import type { Action } from "../plan/rules.ts";

/** sysexits.h: lines that could not be done, as on every start of some machines; systemd-tmpfiles(8). */
const TMPFILES_INCOMPLETE = [65, 73];

/** Stops what the new generation has not, while its program is still there. */
export async function stopUnits({ stop }: Jobs): Promise<void> {
  await systemctl("stop", stop);
}

/** After the switch: settings, then one job set of restarts, which systemd brings in order. @throws E_EXEC_FAILED */
export async function settleUnits(jobs: Jobs): Promise<void> {
  // Also when no unit file changed: what is watched (path units, generators) lies in the new tree now.
  await systemctl("daemon-reload");
  for (const action of jobs.actions) await ACTIONS[action]();
  await systemctl("reload", jobs.reload);
  await systemctl("restart", jobs.restart);
  await systemctl("start", jobs.start);
}

/** After the old tree is back: each step as far as it goes. @returns what failed */
export async function unsettleUnits(jobs: Jobs): Promise<string[]> {
  const failures: string[] = [];
  const tried = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // Whatever it is: the rest must be put back all the same, and the caller says what failed.
      failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  // One that never came to be known is none to stop.
  await tried(async () => systemctl("stop", await activeOf(jobs.start)));
  await tried(() => systemctl("daemon-reload"));
  for (const action of jobs.actions) await tried(ACTIONS[action]);
  await tried(() => systemctl("reload", jobs.reload));
  // They may have failed too often to be started again; those that did not fail are none to reset.
  await exec("systemctl", ["reset-failed", ...jobs.restart], { allowFailure: true });
  await tried(() => systemctl("restart", jobs.restart));
  await tried(() => systemctl("start", jobs.stop));
  return failures;
}

async function activeOf(units: readonly string[]): Promise<string[]> {
  if (units.length === 0) return [];
  const { stdout } = await exec("systemctl", ["is-active", ...units], { allowFailure: true });
  const states = stdout.toString().trimEnd().split("\n");
  return units.filter((_unit, at) => states[at] === "active" || states[at] === "activating");
}

/** Units that are not active although they were just started. */
export async function failedUnits({ restart, start }: Jobs): Promise<string[]> {
  const units = [...restart, ...start];
  if (units.length === 0) return [];
  const { stdout } = await exec("systemctl", ["is-failed", ...units], { allowFailure: true });
  const states = stdout.toString().trimEnd().split("\n");
  return units.filter((_unit, at) => states[at] === "failed");
}

/** Seconds that each unit was not active at its last restart. */
export async function restartTimes(units: readonly string[]): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  if (units.length === 0) return times;
  const { stdout } = await exec("systemctl", [
    "show",
    "--property=Id,ActiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic",
    ...units,
  ]);
  for (const block of stdout.toString().split("\n\n")) {
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(block)?.[1] ?? "";
    const microseconds = Number(value("ActiveEnterTimestampMonotonic")) - Number(value("ActiveExitTimestampMonotonic"));
    if (value("Id") !== "" && microseconds > 0) times.set(value("Id"), microseconds / 1e6);
  }
  return times;
}

const ACTIONS: Readonly<Record<Action, () => Promise<void>>> = {
  "daemon-reload": async () => {},
  sysctl: async () => void (await exec("/usr/lib/systemd/systemd-sysctl", [])),
  modules: () => systemctl("restart", ["systemd-modules-load.service"]),
  tmpfiles: async () => {
    const { exitCode } = await exec("systemd-tmpfiles", ["--create"], { allowFailure: true });
    if (exitCode !== 0 && !TMPFILES_INCOMPLETE.includes(exitCode))
      throw new Error(`systemd-tmpfiles --create ended with exit code ${exitCode}`);
  },
  hostname: async () => writeFileSync("/proc/sys/kernel/hostname", readFileSync("/etc/hostname", "utf8").trim()),
  udev: () => systemctl("try-reload-or-restart", ["systemd-udevd.service"]),
  dbus: () => systemctl("try-reload-or-restart", ["dbus.service"]),
  network: () => systemctl("try-reload-or-restart", ["systemd-networkd.service"]),
};

async function systemctl(verb: string, units?: readonly string[]): Promise<void> {
  if (units?.length === 0) return;
  await exec("systemctl", [verb, ...(units ?? [])]);
}
