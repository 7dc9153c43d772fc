/** What the machine's program says about itself. Checked against the commands by a test. */
import { USAGE as apply } from "./table/apply.ts";
import { USAGE as drift } from "./table/drift.ts";
import { USAGE as generations } from "./table/generations.ts";
import { USAGE as layers } from "./table/layers.ts";
import { USAGE as state } from "./table/state.ts";
import { USAGE as trial } from "./table/trial.ts";

export const USAGE = `ashlar: the generations of this machine

${[generations, layers, trial, apply, drift, state].join("\n")}

Each takes --json, for scripts, and --progress auto|plain|json|quiet.
SOURCE is a folder or http(s) address that \`ashlar publish\` made.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the release failed here before,
75 another process changes the generations.`;
