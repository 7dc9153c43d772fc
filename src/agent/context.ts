/** What a command of the machine's own program gets to work with, and what it returns. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { System } from "#config/system.ts";
import { openMachine } from "#deployment/machine.ts";
import type { Machine } from "#deployment/machine.ts";
import type { Loader } from "#deployment/loader.ts";
import { AshlarError, hasErrno } from "#errors";
import type { Reporter } from "#report/reporter.ts";
import { openStore } from "#store/open.ts";
import type { Store } from "#store/store.ts";
import { openLoader } from "./loader.ts";

export interface AgentContext {
  readonly machine: Machine;
  readonly loader: Loader;
  readonly report: Reporter;
  /** Cells of the screen that text may fill. */
  readonly columns: number;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** Data for scripts, text for people; the program prints one of them. */
export interface AgentResult {
  /** A record, so that fields can be added later. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Without a newline at its end. */
  readonly text: string;
  /** 0 unless said otherwise. */
  readonly exitCode?: number;
}

export type AgentErrorCode = "E_AGENT_SYSTEM";

/** @param root "/" on a machine */
export function openContext(root: string, report: Reporter, columns: number): AgentContext {
  const machine = openMachine(root);
  return { machine, loader: openLoader(machine.esp), report, columns, now: () => Math.floor(Date.now() / 1000) };
}

/** The System of the running image; part of the image, so it needs no further checks. @throws E_AGENT_SYSTEM */
export function systemOf(machine: Machine): System {
  const path = join(machine.root, "usr/lib/ashlar/system.json");
  try {
    return JSON.parse(readFileSync(path, "utf8")) as System;
  } catch (cause) {
    if (!hasErrno(cause, "ENOENT")) throw cause;
    throw new AshlarError<AgentErrorCode>("E_AGENT_SYSTEM", `there is no ${path}: this is no machine that Ashlar built`, {
      cause,
      hint: "run the command on a machine made by `ashlar disk`",
      details: { path },
    });
  }
}

/** The machine's store; every object gets fs-verity where the image that runs has it. */
export async function withStore<T>(context: AgentContext, work: (store: Store) => Promise<T>): Promise<T> {
  // A machine that Ashlar started has verity, or it would not have started; a folder in a test may be on any file system.
  const store = await openStore(context.machine.store, { verity: context.machine.root === "/" ? "require" : "off" });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
