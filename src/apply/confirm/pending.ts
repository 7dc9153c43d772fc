/**
 * What waits for its end: `ashlar/applied.json` of the physical root, from before a change until it is settled. It outlives
 * crashes and restarts, and is what `ashlar-confirm.service` and `ashlar-settle.service` look at.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { boolean, integer, literal, optional, parsed, record, string } from "#formats/shape.ts";
import { syncFolder, writeFileAtomic } from "#sys/atomic.ts";
import type { Way } from "../plan/plan.ts";
import { textIfThere } from "#sys/if-there.ts";

const WAYS = ["live", "soft-reboot", "kexec", "reboot"] as const satisfies readonly Way[];
/** "BOOT-ID UPTIME SECONDS", rewritten as they go by. */
const LEFT = "ashlar/confirm-left";
const generation = integer(1, 999_999);

const pendingShape = record({
  version: literal(1),
  /** What ran before, and runs again when it is taken back. */
  from: generation,
  to: generation,
  way: parsed((text) => WAYS.find((way) => way === text), "a way to apply"),
  /** Id of the start in which it was applied. */
  boot: string(64),
  /** Seconds since 1970 and of up time at which the change began: for the length of the interruption. */
  began: record({ clock: integer(0), uptime: integer(0) }),
  /** Whether the generation has started, and its probes have passed. */
  settled: boolean,
  confirm: optional(
    record({
      /** Seconds of up time that there are to confirm. */
      seconds: integer(1, 86_400),
      /** Clock ticks since the start at which the change was complete; only logins after it count. */
      since: optional(integer(0)),
      /** The newest audit session then; those after it are new. */
      session: optional(integer(0)),
    }),
  ),
});

export type Pending = ReturnType<typeof pendingShape>;

/** Undefined when nothing waits. @throws SyntaxError, ShapeError */
export function readPending(sysroot: string): Pending | undefined {
  const text = textIfThere(pendingPath(sysroot));
  return text === undefined ? undefined : pendingShape(JSON.parse(text), "");
}

export function writePending(sysroot: string, pending: Pending): void {
  writeFileAtomic(pendingPath(sysroot), `${JSON.stringify(pending)}\n`, { mode: 0o600 });
  if (pending.confirm === undefined) rmSync(join(sysroot, LEFT), { force: true });
}

/** Starts the countdown of a change: confirm.sh goes on with it. */
export function writeCountdown(sysroot: string, { boot, confirm }: Pending, uptime: number): void {
  if (confirm !== undefined) writeFileAtomic(join(sysroot, LEFT), `${boot} ${uptime} ${confirm.seconds}\n`, { mode: 0o600 });
}

/** Whether a countdown was started. */
export function hasCountdown(sysroot: string): boolean {
  return existsSync(join(sysroot, LEFT));
}

export function removePending(sysroot: string): void {
  for (const path of [pendingPath(sysroot), join(sysroot, LEFT)]) rmSync(path, { force: true });
  syncFolder(join(sysroot, "ashlar"));
}

function pendingPath(sysroot: string): string {
  return join(sysroot, "ashlar/applied.json");
}
