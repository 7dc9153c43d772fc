/** What tests do as a person at a machine, where anything but success ends the test. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { BOOT_MS } from "./live-machine.ts";
import type { Live, Ran } from "./live-machine.ts";

export interface Person {
  /** Runs a script as the ordinary user. @returns what it printed */
  readonly ask: (script: string) => Promise<string>;
  /** Runs a script as root. @returns what it printed */
  readonly sudo: (script: string) => Promise<string>;
  /** `ashlar status --json`, of which a test says what it reads. */
  readonly status: <T>() => Promise<T>;
  /** The kernel's name of this start. */
  readonly bootId: () => Promise<string>;
  /** Waits until a start has ended with nothing failed. */
  readonly settled: () => Promise<void>;
  /**
   * Ends this start.
   * @param how the command that does it, as root; its connection may end before it does
   * @returns the boot id of what ends
   */
  readonly leave: (how?: string) => Promise<string>;
  /** {@link leave}, and waits until another start has settled. @returns seconds */
  readonly restart: (how?: string) => Promise<number>;
  /** Waits until a script ends well as root. */
  readonly until: (script: string) => Promise<void>;
  /** Waits for a unit that was started. @returns seconds */
  readonly finished: (unit: string) => Promise<number>;
}

const LOOK_MS = 3000;
const CONSOLE_TAIL = 3000;
/** What ssh ends with when its connection does. */
const DISCONNECTED = 255;

/** @param live asked each time: the machine is started by a hook */
export function personAt(live: () => Live): Person {
  const ask = async (script: string): Promise<string> => said(script, await live().ask(script));
  const sudo = async (script: string): Promise<string> => said(script, await live().sudo(script));
  const bootId = (): Promise<string> => ask("cat /proc/sys/kernel/random/boot_id");
  const settled = async (): Promise<void> => {
    const { out } = await live().ask("systemctl is-system-running --wait");
    assert.equal(out, "running", await sudo("systemctl --failed --no-legend"));
  };
  const until = async (isSo: () => Promise<boolean>, what: string): Promise<void> => {
    for (const end = Date.now() + BOOT_MS; !(await isSo()); await sleep(LOOK_MS))
      assert.ok(Date.now() < end, `never: ${what}\n${live().machine.console.transcript().slice(-CONSOLE_TAIL)}`);
  };
  const leave = async (how = "systemctl reboot"): Promise<string> => {
    const before = await bootId();
    const { exitCode, out, err } = await live().sudo(how);
    assert.ok(exitCode === 0 || exitCode === DISCONNECTED, `${how}\n${out}\n${err}`);
    return before;
  };
  return {
    ask,
    sudo,
    leave,
    bootId,
    settled,
    status: async <T>() => JSON.parse(await sudo("ashlar status --json")) as T,
    restart: async (how) => {
      const began = performance.now();
      await live().nextStart(await leave(how));
      await settled();
      return secondsSince(began);
    },
    until: (script) => until(async () => (await live().sudo(script)).exitCode === 0, script),
    finished: async (unit) => {
      const began = performance.now();
      await until(async () => {
        const { exitCode, out } = await live().ask(`systemctl show -P ActiveState ${unit}`);
        return exitCode === 0 && (out === "inactive" || out === "failed");
      }, `${unit} ends`);
      return secondsSince(began);
    },
  };
}

function said(script: string, { exitCode, out, err }: Ran): string {
  assert.equal(exitCode, 0, `${script}\n${out}\n${err}`);
  return out;
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 1000);
}
