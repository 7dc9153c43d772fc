/**
 * Worker threads for hashing. They start with the first task; each has its own queue, and a task goes to the one with
 * the least work ahead. So no worker waits for this thread, which may be busy walking a tree.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { AshlarError } from "#errors";
import { fromPlainError } from "./errors.ts";
import type { StoreErrorCode } from "./errors.ts";
import type { Target } from "./place.ts";
import { runTask } from "./tasks.ts";
import type { Task, TaskResults } from "./tasks.ts";
import type { Answer } from "./worker.ts";

export interface Pool {
  /** @param weight how long it takes, in any unit that is the same for all tasks */
  run<T extends Task>(task: T, weight: number): Promise<TaskResults[T["kind"]]>;
  /** Ends the threads; tasks that still run fail. */
  close(): Promise<void>;
}

/** A pool of `size` threads; with 0 this thread does everything. */
export function createPool(target: Target, size: number): Pool {
  let members: Member[] | undefined;
  return {
    run: async (task, weight) => {
      if (size === 0) return runTask(target, task) as never;
      members ??= Array.from({ length: size }, () => startMember(target));
      return (await members.reduce((least, next) => (next.load() < least.load() ? next : least)).run(task, weight)) as never;
    },
    close: async () => {
      await Promise.all((members ?? []).map((member) => member.stop()));
      members = undefined;
    },
  };
}

interface Member {
  load(): number;
  run(task: Task, weight: number): Promise<unknown>;
  stop(): Promise<void>;
}

interface Waiting {
  readonly weight: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

function startMember(target: Target): Member {
  const worker = new Worker(workerScript(), { workerData: { root: target.root, verity: target.verity } });
  const queue: Waiting[] = [];
  let load = 0;
  let ended: Error | undefined;
  const fail = (cause?: Error): void => {
    ended ??= new AshlarError<StoreErrorCode>(
      "E_STORE_WORKER",
      `a worker thread of the store ${target.root} ended${cause === undefined ? "" : `: ${cause.message}`}`,
      {
        cause,
        hint: "run the command again; if memory is short, give it fewer workers",
      },
    );
    for (const waiting of queue.splice(0)) waiting.reject(ended);
  };
  worker.on("message", (answer: Answer) => {
    const waiting = queue.shift();
    load -= waiting?.weight ?? 0;
    // An idle thread must not keep the process alive.
    if (queue.length === 0) worker.unref();
    if ("error" in answer) waiting?.reject(fromPlainError(answer.error));
    else waiting?.resolve(answer.result);
  });
  worker.on("error", fail);
  worker.on("exit", () => fail());
  return {
    load: () => load,
    run: (task, weight) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        queue.push({ weight, resolve, reject });
        load += weight;
        worker.ref();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        worker.postMessage(task);
      }),
    stop: async () => {
      await worker.terminate();
    },
  };
}

/** This folder's worker.ts; in a bundle, the file `store-worker.js` beside it (the bundle of worker.ts). */
function workerScript(): URL {
  return new URL(extname(import.meta.url) === ".ts" ? "./worker.ts" : "./store-worker.js", import.meta.url);
}
