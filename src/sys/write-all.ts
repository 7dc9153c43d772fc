import { writeSync } from "node:fs";

/** Writes all of the bytes: the kernel may take fewer at once. @param at place in the file; where the last write ended when absent */
export function writeAll(fd: number, bytes: Uint8Array, at?: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(fd, bytes, done, bytes.length - done, at === undefined ? undefined : at + done);
}
