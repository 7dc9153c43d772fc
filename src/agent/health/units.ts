/** Units that must be active: all are looked at together until none of them is on its way any more. */
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "#sys/exec.ts";
import { tailOf } from "./result.ts";
import type { Failure, ProbeResult } from "./result.ts";

const LOG_LINES = 10;

/**
 * @param limits in milliseconds: until when units that are starting may take, and between two looks
 * @returns a result for each unit, in their order
 */
export async function probeUnits(
  units: readonly string[],
  limits: { readonly deadline: number; readonly poll: number },
): Promise<ProbeResult[]> {
  if (units.length === 0) return [];
  const start = performance.now();
  const settled = new Map<string, number>();
  for (;;) {
    const states = await statesOf(units);
    const now = performance.now() - start;
    for (const unit of units) if (isSettled(states.get(unit)) && !settled.has(unit)) settled.set(unit, Math.round(now));
    if (units.every((unit) => isSettled(states.get(unit))) || now >= limits.deadline)
      return Promise.all(
        units.map(async (name) => {
          const state = states.get(name) ?? UNKNOWN;
          const duration = settled.get(name) ?? Math.round(now);
          if (state === "active") return { kind: "unit", name, passed: true, duration };
          return { kind: "unit", name, passed: false, duration, ...(await explain(name, state)) };
        }),
      );
    await sleep(limits.poll);
  }
}

const UNKNOWN = "unknown to systemd";

function isSettled(state: string | undefined): boolean {
  return state === "active" || state === "failed";
}

async function explain(unit: string, state: string): Promise<Failure> {
  const { stdout } = await exec("systemctl", ["status", "--no-pager", "--full", `--lines=${LOG_LINES}`, unit], { allowFailure: true });
  return { reason: `it is ${state}`, output: tailOf(stdout.toString()) };
}

/** ActiveState of each unit. One process for all: starting one takes long on a slow machine. */
async function statesOf(units: readonly string[]): Promise<Map<string, string>> {
  const { stdout } = await exec("systemctl", ["show", "--property=ActiveState", ...units], { allowFailure: true });
  const states = stdout
    .toString()
    .split("\n")
    .flatMap((line) => /^ActiveState=(.+)$/.exec(line)?.[1] ?? []);
  return new Map(units.map((unit, at) => [unit, states[at] ?? UNKNOWN]));
}
