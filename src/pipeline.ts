/**
 * Ashlar on one screen. Each function takes options and a context (where to work, where to report) and returns data;
 * the command line prints it.
 *
 *   config ──▶ lock ──▶ tree ──▶ image ──▶ registry ──▶ deployment ──▶ boot
 */

/** config → lock: what the archive and apt say today. */
export { lockSystem } from "./pipeline/lock.ts";
/** config + lock → tree → image. */
export { buildSystem } from "./pipeline/build.ts";
/** Twice, in different conditions. */
export { checkReproducible } from "./pipeline/check.ts";
/** image → a disk that boots. */
export { makeDiskImage } from "./pipeline/disk.ts";
/** image → a signed release. */
export { publishSystem } from "./pipeline/publish.ts";
/** image → a machine in QEMU. */
export { openMachine, runMachine } from "./pipeline/vm.ts";
/** Two images → their differences; one image → its dump. */
export { compareImages, dumpImage } from "./pipeline/compare.ts";
/** The store: is it right, and what is still needed? */
export { checkStore, collectStore } from "./pipeline/maintain.ts";
/** All of it, from a config to a rollback. */
export { demo } from "./pipeline/demo.ts";
export type { Context } from "./pipeline/context.ts";
