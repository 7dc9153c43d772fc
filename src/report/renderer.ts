import { jsonRenderer } from "./json.ts";
import type { OutputStream, Renderer } from "./output.ts";
import { plainRenderer } from "./plain.ts";
import { terminalRenderer } from "./terminal.ts";

export const progressModes = ["auto", "plain", "json", "quiet"] as const;
export type ProgressMode = (typeof progressModes)[number];

/**
 * The renderer for a stream: `auto` draws in place on a terminal and is `plain` elsewhere; `quiet` says nothing.
 * @param env where NO_COLOR, CI and TERM are looked up; the process's own unless said otherwise
 */
export function rendererFor(stream: OutputStream, mode: ProgressMode, env: NodeJS.ProcessEnv = process.env): Renderer {
  if (mode === "quiet") return { emit: () => {}, close: () => {} };
  if (mode === "json") return jsonRenderer(stream);
  if (mode === "auto" && canDrawInPlace(stream, env)) return terminalRenderer(stream, { colors: wantsColors(stream, env) });
  return plainRenderer(stream);
}

/** Colours only on a terminal, and not where NO_COLOR is set (https://no-color.org). */
export function wantsColors(stream: OutputStream, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

function canDrawInPlace(stream: OutputStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && env["TERM"] !== "dumb" && !env["CI"];
}
