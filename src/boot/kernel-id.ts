/** Name of the folder that holds a kernel and its initrd on the ESP. Generations with the same pair share it. */
import { createHash } from "node:crypto";

/** First 32 hex digits of sha256(linux ‖ initrd). */
export function kernelIdOf(linux: Buffer, initrd: Buffer): string {
  return createHash("sha256").update(linux).update(initrd).digest("hex").slice(0, 32);
}
