import type { OutputStream, Renderer } from "./output.ts";

/** The version of the event protocol (`docs/formats/progress.md`); raised when a field changes its meaning. */
const PROGRESS_VERSION = 1;

/** JSON lines: first `{"type":"hello","version":1}`, then each event as it is. */
export function jsonRenderer(stream: OutputStream): Renderer {
  let greeted = false;
  return {
    emit(event) {
      if (!greeted) stream.write(`${JSON.stringify({ type: "hello", version: PROGRESS_VERSION })}\n`);
      greeted = true;
      stream.write(`${JSON.stringify(event)}\n`);
    },
    close() {},
  };
}
