/** Hands file contents to the store while the walk goes on, so that hashing and walking overlap. */
import type { Step } from "#report/reporter.ts";
import type { FileToStore, Store } from "#store/store.ts";
import type { FileContent } from "./tree.ts";

export interface Contents {
  /** @param onStored called with the content once it is stored */
  add(file: FileToStore, movable: boolean, onStored: (content: FileContent) => void): void;
  /** Hands the rest over and waits for everything; throws the first error after all work has ended. */
  done(): Promise<void>;
  /** Waits for what was handed over, and ignores its result: for a walk that failed. */
  abandoned(): Promise<void>;
  /** Files handed over so far. */
  stored(): number;
}

/** Bytes after which the collected files go to the workers: much, for the walk takes a fraction of the hashing. */
const HAND_OVER_BYTES = 32 * 1024 * 1024;

interface Pending {
  readonly file: FileToStore;
  readonly onStored: (content: FileContent) => void;
}

/** @param move whether movable files are moved into the store */
export function createContents(store: Store, move: boolean, report: Step | undefined): Contents {
  const running: Promise<void>[] = [];
  const pending: Record<"move" | "copy", Pending[]> = { move: [], copy: [] };
  let bytes = 0;
  let total = 0;
  let done = 0;

  const handOver = (): void => {
    for (const how of ["move", "copy"] as const) if (pending[how].length > 0) running.push(storeAll(how, pending[how].splice(0)));
    bytes = 0;
  };
  const storeAll = async (how: "move" | "copy", batch: readonly Pending[]): Promise<void> => {
    let before = 0;
    const onProgress = (files: number): void => {
      done += files - before;
      before = files;
      report?.progress(done, total, "files");
    };
    const stored = await store.addFiles(
      batch.map(({ file }) => file),
      { move: how === "move", onProgress },
    );
    stored.forEach((content, at) => batch[at]?.onStored(content));
  };
  return {
    add: (file, movable, onStored) => {
      pending[move && movable ? "move" : "copy"].push({ file, onStored });
      bytes += file.size;
      total += 1;
      if (bytes >= HAND_OVER_BYTES) handOver();
    },
    done: async () => {
      handOver();
      for (const result of await Promise.allSettled(running)) if (result.status === "rejected") throw result.reason;
    },
    abandoned: async () => void (await Promise.allSettled(running)),
    stored: () => total,
  };
}
