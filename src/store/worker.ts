/** The worker thread of a store: tasks come in, results or errors go out, in order. */
import { parentPort, workerData } from "node:worker_threads";
import { toPlainError } from "./errors.ts";
import type { PlainError } from "./errors.ts";
import type { Target } from "./place.ts";
import { runTask } from "./tasks.ts";
import type { Task, TaskResults } from "./tasks.ts";

export type Answer = { readonly result: TaskResults[Task["kind"]] } | { readonly error: PlainError };

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.on("message", (task: Task) => parentPort?.postMessage(answer(task)));

function answer(task: Task): Answer {
  try {
    return { result: runTask(workerData as Target, task) };
  } catch (error) {
    return { error: toPlainError(error) };
  }
}
