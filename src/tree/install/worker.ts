/** A thread that unpacks packages; started by unpack.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { toPlainError } from "#store/errors.ts";
import { createExtractor } from "./extract.ts";

export interface UnpackJob {
  readonly root: string;
}

const extract = createExtractor((workerData as UnpackJob).root);

parentPort?.on("message", (archive: string) => {
  extract(archive).then(
    (unpacked) => parentPort?.postMessage({ unpacked }),
    (error: unknown) => parentPort?.postMessage({ error: toPlainError(error) }),
  );
});
