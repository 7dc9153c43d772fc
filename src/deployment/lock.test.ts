import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createReporter } from "#report/reporter.ts";
import type { ReportEvent } from "#report/reporter.ts";
import { locked } from "./lock.ts";
import { openMachine } from "./machine.ts";

const root = mkdtempSync(join(tmpdir(), "ashlar-lock-"));
after(() => rmSync(root, { recursive: true }));

/** What `second` does while `first` has the lock for half a second. */
async function meet(first: string, second: string, waitMs = 0): Promise<{ readonly order: string[]; readonly said: string[] }> {
  const [order, said]: [string[], string[]] = [[], []];
  const note = (event: ReportEvent): void => void (event.type === "start" && said.push(event.name));
  const place = { machine: openMachine(root), report: createReporter(note) };
  const work = (name: string, ms: number) => async (): Promise<void> => {
    await sleep(ms);
    order.push(name);
  };
  const both = [locked(place, first, work(first, 500)), locked(place, { command: second, waitMs }, work(second, 0))];
  const failed = (await Promise.allSettled(both)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return { order, said };
}

const wait = (command: string): string => `wait for process ${process.pid}, ashlar ${command}`;

void test("a command waits for what the machine does by itself, and says for what", async () => {
  assert.deepEqual(await meet("recovery", "upgrade"), { order: ["recovery", "upgrade"], said: [wait("recovery")] });
});

void test("a command is refused at once while a person's command runs", async () => {
  await assert.rejects(meet("upgrade", "rollback"), { code: "E_MACHINE_BUSY", exitCode: 75, message: /process \d+, ashlar upgrade$/ });
});

void test("what may wait for all waits, but not for ever", async () => {
  assert.deepEqual(await meet("upgrade", "confirm", 10_000), { order: ["upgrade", "confirm"], said: [wait("upgrade")] });
  await assert.rejects(meet("upgrade", "confirm", 300), { code: "E_MACHINE_BUSY" });
});
