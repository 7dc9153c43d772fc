import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { AshlarError } from "#errors";

export type ConfigPathErrorCode = "E_CLI_NO_CONFIG";

/** Tried in this order where a command is given no config. */
const DEFAULT_NAMES = ["system.ts", "system.yaml", "system.yml", "system.json"];

/** The positional parameter that every command about a system has. */
export const configParameter = {
  brief: "The config: a .ts, .yaml or .json file (default: system.ts here)",
  placeholder: "CONFIG",
  parse: String,
  optional: true,
} as const;

/**
 * Absolute path of the config that a command line means.
 * @throws E_CLI_NO_CONFIG when none was given and the folder has none
 */
export function configPath(cwd: string, given: string | undefined): string {
  if (given !== undefined) return resolve(cwd, given);
  const found = DEFAULT_NAMES.map((name) => join(cwd, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new AshlarError<ConfigPathErrorCode>("E_CLI_NO_CONFIG", `there is no system.ts in ${cwd}`, {
    hint: "ashlar init writes one; or name the config: ashlar check path/to/system.ts",
    details: { cwd, tried: DEFAULT_NAMES },
  });
}

/** Whether a word on the command line is a config rather than a package name. */
export function isConfigPath(word: string): boolean {
  return /\.(?:ts|json|ya?ml)$/.test(word);
}
