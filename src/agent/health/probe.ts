/**
 * The probes that decide whether a generation works: run before boot-complete.target by ashlar-health.service, and after a
 * change that was applied to the running system. All are local: none needs a name server or the internet.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Attempts, HealthSpec } from "#config/health.ts";
import { tryCommand } from "./command.ts";
import { tryLogin } from "./login.ts";
import { tryHttp, tryTcp } from "./network.ts";
import type { Failure, ProbeKind, ProbeResult } from "./result.ts";
import { trySpace } from "./space.ts";
import { probeUnits } from "./units.ts";

export type { ProbeResult } from "./result.ts";

export interface ProbeOptions {
  /** Milliseconds within which all units must be active; when absent as declared, or 300,000: a first boot on a slow machine takes minutes. */
  readonly unitDeadline?: number;
  /** Milliseconds between two looks at the units. */
  readonly poll?: number;
}

const UNIT_DEADLINE = 300;

/**
 * Runs all probes, each to its end, units first: the others need what they start.
 * @param declared `health` of a System
 * @returns one result for each, in this order: units, commands, tcp, http, space, login
 */
export async function probe(declared: HealthSpec, options: ProbeOptions = {}): Promise<ProbeResult[]> {
  const deadline = options.unitDeadline ?? (declared.unitDeadline ?? UNIT_DEADLINE) * 1000;
  const results = await probeUnits(declared.units, { deadline, poll: options.poll ?? 1000 });
  for (const spec of declared.commands) results.push(await repeated("command", spec, (timeout) => tryCommand(spec.command, timeout)));
  for (const spec of declared.tcp ?? []) results.push(await repeated("tcp", spec, (timeout) => tryTcp(spec, timeout)));
  for (const spec of declared.http ?? []) results.push(await repeated("http", spec, (timeout) => tryHttp(spec, timeout)));
  for (const { name, path, ...wanted } of declared.space ?? [])
    results.push(await repeated("space", { name, deadline: 1 }, async () => trySpace(path, wanted)));
  const { login } = declared;
  if (login !== undefined) results.push(await repeated("login", { name: "login", ...login }, (timeout) => tryLogin(login, timeout)));
  return results;
}

/** One probe with its further attempts; the last one counts. */
async function repeated(
  kind: ProbeKind,
  { name, deadline, retries = 0, interval = 0 }: { readonly name: string } & Attempts,
  attempt: (timeout: number) => Promise<Failure | undefined>,
): Promise<ProbeResult> {
  const start = performance.now();
  for (let left = retries; ; left--) {
    const failure = await attempt(deadline * 1000);
    if (failure === undefined || left <= 0)
      return { kind, name, passed: failure === undefined, duration: Math.round(performance.now() - start), ...failure };
    await sleep(interval * 1000);
  }
}
