/** What a probe found. */

export type ProbeKind = "unit" | "command" | "tcp" | "http" | "space" | "login";

export interface ProbeResult {
  readonly kind: ProbeKind;
  readonly name: string;
  readonly passed: boolean;
  /** Milliseconds until it was known. */
  readonly duration: number;
  /** Why not, in one line. */
  readonly reason?: string;
  /** The last lines of what the failed thing said. */
  readonly output?: string;
}

/** What one attempt of a probe says: nothing when it passed. */
export interface Failure {
  readonly reason: string;
  readonly output?: string;
}

const OUTPUT_LINES = 10;
const OUTPUT_MAX = 2000;

/** The end of a text, short enough to keep for every failed probe. */
export function tailOf(text: string): string {
  return text.trimEnd().split("\n").slice(-OUTPUT_LINES).join("\n").slice(-OUTPUT_MAX);
}
