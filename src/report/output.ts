import type { ReportEvent } from "./reporter.ts";

/** Where text goes; the part of a Node stream that renderers use, so that tests can pass a string collector. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** A consumer of progress events. */
export interface Renderer {
  readonly emit: (event: ReportEvent) => void;
  /** Leaves the screen as a reader expects it. Call once, before anything else is printed. */
  close(): void;
}
