/** Storing many files at once: cut into batches, so that messages cost little and all workers end at about the same time. */
import type { Pool } from "./pool.ts";
import type { Target } from "./place.ts";
import type { FileToStore, StoredFile } from "./store.ts";
import { runTask } from "./tasks.ts";

export interface AddFilesOptions {
  readonly move?: boolean;
  readonly onProgress?: (filesDone: number) => void;
}

/** A file costs about as much as this many bytes of hashing (measured: 50 µs for open, read, chmod, rename). */
const FILE_WEIGHT = 48 * 1024;
/** Weight of a batch. Larger ones end later than the others, smaller ones cost messages. */
const BATCH_WEIGHT = 8 * 1024 * 1024;
/** Work below this weight is done by the calling thread: starting a worker takes 40 ms. */
const ALONE_WEIGHT = 24 * 1024 * 1024;

/**
 * Stores files in the pool, or here when they are few. All batches have ended when this returns or throws.
 * @throws the first error in the order of the files
 */
export async function addFiles(target: Target, pool: Pool, files: readonly FileToStore[], options: AddFilesOptions): Promise<StoredFile[]> {
  const move = options.move ?? false;
  let filesDone = 0;
  const batches = cut(files);
  const alone = batches.length === 1 || files.reduce((sum, file) => sum + weightOf(file), 0) <= ALONE_WEIGHT;
  const results = await Promise.allSettled(
    batches.map(async (batch) => {
      const task = { kind: "import", files: batch, move } as const;
      const objects = alone
        ? (runTask(target, task) as Awaited<ReturnType<typeof pool.run<typeof task>>>)
        : await pool.run(
            task,
            batch.reduce((sum, file) => sum + weightOf(file), 0),
          );
      filesDone += batch.length;
      options.onProgress?.(filesDone);
      return objects.map((object, at): StoredFile => ({ object, size: batch[at]?.size ?? 0 }));
    }),
  );
  return results.flatMap((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

function weightOf(file: FileToStore): number {
  return file.size + FILE_WEIGHT;
}

function cut(files: readonly FileToStore[]): FileToStore[][] {
  const batches: FileToStore[][] = [];
  let weight = Infinity;
  for (const file of files) {
    if (weight + weightOf(file) > BATCH_WEIGHT) {
      batches.push([]);
      weight = 0;
    }
    batches.at(-1)?.push({ path: file.path, size: file.size });
    weight += weightOf(file);
  }
  return batches;
}
