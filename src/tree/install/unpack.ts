/**
 * Unpacks all packages of a system at once, several at a time: nearly all of dpkg's time goes into starting ten
 * processes for each package. Files are in place where `dpkg --unpack` would have put them; `writeDatabase` says so.
 */
import { chmodSync, chownSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { toBuffer } from "#formats/bytes.ts";
import type { Step } from "#report/reporter.ts";
import { fromPlainError } from "#store/errors.ts";
import type { PlainError } from "#store/errors.ts";
import { createExtractor } from "./extract.ts";
import type { UnpackedPackage } from "./unpacked.ts";

export interface ArchiveFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * @param first unpacked before all others: base-files, whose links (/bin → usr/bin) decide where everything goes
 * @returns the packages in the order of `archives`, `first` leading
 */
export async function unpackAll(
  root: string,
  first: ArchiveFile,
  archives: readonly ArchiveFile[],
  options: { readonly workers?: number; readonly step: Step },
): Promise<UnpackedPackage[]> {
  const lead = await createExtractor(root)(first.path);
  const results: UnpackedPackage[] = [];
  // The largest first: a kernel that starts last would keep one thread busy after all others are done.
  const queue = archives.map((archive, index) => ({ archive, index })).sort((a, b) => b.archive.size - a.archive.size || a.index - b.index);
  const total = archives.reduce((sum, archive) => sum + archive.size, 0);
  let done = 0;
  const count = Math.min(options.workers ?? availableParallelism(), queue.length);
  const work = async (worker: Worker): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      results[job.index] = await extractIn(worker, job.archive.path);
      done += job.archive.size;
      options.step.progress(done, total, "bytes");
    }
  };
  const workers = Array.from({ length: count }, () => new Worker(new URL("worker.ts", import.meta.url), { workerData: { root } }));
  try {
    await Promise.all(workers.map(work));
  } finally {
    // After the first failure too, before the caller removes the folder: no thread may still write into it.
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return [lead, ...results];
}

function extractIn(worker: Worker, archive: string): Promise<UnpackedPackage> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      worker.off("message", onMessage);
      worker.off("error", onError);
      act();
    };
    const onMessage = (message: { unpacked: UnpackedPackage } | { error: PlainError }): void =>
      finish(() => ("unpacked" in message ? resolve(withBuffers(message.unpacked)) : reject(fromPlainError(message.error))));
    const onError = (error: unknown): void => finish(() => reject(error));
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.postMessage(archive);
  });
}

/** Between threads a Buffer becomes a plain Uint8Array, whose text is a list of numbers. */
function withBuffers(unpacked: UnpackedPackage): UnpackedPackage {
  return { ...unpacked, members: new Map([...unpacked.members].map(([name, content]) => [name, Buffer.from(content)])) };
}

/** A directory that several packages have belongs to the first of them, in the given order. */
export function ownDirectories(root: string, packages: readonly UnpackedPackage[]): void {
  const seen = new Set<string>();
  for (const unpacked of packages) {
    for (const { path, mode, uid, gid } of unpacked.directories) {
      if (seen.has(path)) continue;
      seen.add(path);
      const folder = Buffer.concat([Buffer.from(root), toBuffer(path === "/" ? "" : path)]);
      chownSync(folder, uid, gid);
      chmodSync(folder, mode);
    }
  }
}
