/** What worker threads do, and this thread when there is too little to share. */
import { checkObject } from "./check.ts";
import type { CheckedObject } from "./check.ts";
import { importFile } from "./import.ts";
import type { ObjectId } from "./object.ts";
import type { Target } from "./place.ts";
import type { FileToStore } from "./store.ts";

export type Task =
  | { readonly kind: "import"; readonly files: readonly FileToStore[]; readonly move: boolean }
  | { readonly kind: "check"; readonly objects: readonly ObjectId[]; readonly repair: boolean };

export interface TaskResults {
  readonly import: readonly ObjectId[];
  readonly check: readonly CheckedObject[];
}

/** Does one task; results are in the order of its files or objects. */
export function runTask(target: Target, task: Task): TaskResults[Task["kind"]] {
  if (task.kind === "import") return task.files.map((file) => importFile(target, file, task.move));
  return task.objects.map((object) => checkObject(target, object, task.repair));
}
