/** Two builds at once: the same work is done once, by whoever comes first; the other waits and takes the result. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Step } from "#report/reporter.ts";
import { tryLock } from "#sys/flock.ts";
import type { Workspace } from "#workspace";

const POLL_MS = 200;

/** Waits for the exclusive right to do the step `key`. The kernel gives it back when the holder dies, however it dies. */
export async function takeTurn(workspace: Workspace, key: string, step: Step): Promise<Disposable> {
  mkdirSync(workspace.work, { recursive: true });
  const fd = openSync(join(workspace.work, `${key.slice(0, 16)}.lock`), "a");
  for (let waiting = false; !tryLock(fd, "exclusive"); waiting = true) {
    if (!waiting) step.note("info", "another build installs the same packages; waiting for its result");
    await sleep(POLL_MS);
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}
