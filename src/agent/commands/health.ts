/**
 * The probes that decide whether a new generation is good: units that must be active, commands that must succeed.
 * Run by ashlar-health.service before boot-complete.target, which lets systemd-bless-boot mark the entry.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { System } from "#config/system.ts";
import { AshlarError, messageOf } from "#errors";
import { exec } from "#sys/exec.ts";
import { systemOf } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

export interface ProbeResult {
  readonly name: string;
  readonly passed: boolean;
  /** Why not, with the last lines of its output. */
  readonly reason?: string;
}

export interface HealthOptions {
  /** Milliseconds within which all units must be active; 300,000 when absent: a first boot on a slow machine takes minutes. */
  readonly unitDeadline?: number;
  /** Milliseconds between two looks at the units. */
  readonly poll?: number;
}

const TAIL_LINES = 10;

/** `ashlar health` */
export async function health(context: AgentContext, options: HealthOptions = {}): Promise<AgentResult> {
  const probes = await probe(systemOf(context.machine).health, options);
  const failed = probes.filter(({ passed }) => !passed);
  const lines =
    failed.length === 0
      ? [probes.length === 0 ? "No health probes are declared." : `All ${probes.length} health probes passed.`]
      : failed.map(({ name, reason }) => `failed: ${name}: ${reason ?? ""}`);
  return { json: { passed: failed.length === 0, probes }, text: lines.join("\n"), exitCode: failed.length === 0 ? 0 : 1 };
}

/** Runs all probes, each to its end, units first. */
export async function probe(declared: System["health"], options: HealthOptions = {}): Promise<ProbeResult[]> {
  const units = declared.units.length === 0 ? [] : await probeUnits(declared.units, options);
  const commands: ProbeResult[] = [];
  for (const command of declared.commands) commands.push(await probeCommand(command));
  return [...units, ...commands];
}

async function probeUnits(units: readonly string[], options: HealthOptions): Promise<ProbeResult[]> {
  const end = performance.now() + (options.unitDeadline ?? 300_000);
  for (;;) {
    const states = await statesOf(units);
    const waiting = units.some((unit) => states.get(unit) !== "active" && states.get(unit) !== "failed");
    if (!waiting || performance.now() >= end)
      return Promise.all(units.map(async (unit) => unitResult(unit, states.get(unit) ?? "unknown to systemd")));
    await sleep(options.poll ?? 1000);
  }
}

async function unitResult(unit: string, state: string): Promise<ProbeResult> {
  if (state === "active") return { name: unit, passed: true };
  const { stdout } = await exec("systemctl", ["status", "--no-pager", "--full", `--lines=${TAIL_LINES}`, unit], { allowFailure: true });
  return { name: unit, passed: false, reason: `it is ${state}\n${stdout.toString().trimEnd()}` };
}

/** ActiveState of each unit. One process for all: starting one takes long on a slow machine. */
async function statesOf(units: readonly string[]): Promise<Map<string, string>> {
  const { stdout } = await exec("systemctl", ["show", "--property=ActiveState", ...units], { allowFailure: true });
  const states = stdout
    .toString()
    .split("\n")
    .flatMap((line) => /^ActiveState=(.+)$/.exec(line)?.[1] ?? []);
  return new Map(units.map((unit, at) => [unit, states[at] ?? "unknown to systemd"]));
}

async function probeCommand({ name, command, deadline }: System["health"]["commands"][number]): Promise<ProbeResult> {
  const [program = "", ...args] = command;
  try {
    await exec(program, args, { timeout: deadline * 1000 });
    return { name, passed: true };
  } catch (error) {
    // Not found, exit code or deadline: all are what the probe is for, and the message has the last lines of its output.
    if (error instanceof AshlarError && error.code.startsWith("E_EXEC_")) return { name, passed: false, reason: messageOf(error) };
    throw error;
  }
}
