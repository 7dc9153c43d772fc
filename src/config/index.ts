/** `import … from "ashlar"`: what a `system.ts` is written with. */
export { defineSystem } from "./define.ts";
export { merge } from "./merge.ts";
export type { SystemPart } from "./merge.ts";
export { override } from "./override.ts";
export type * from "./input.ts";
