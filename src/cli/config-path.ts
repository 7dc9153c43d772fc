import { resolve } from "node:path";

/** Before the digest of an image, in place of a config: `buildSystem` knows it, too. */
const IMAGE = "image:";

/** The positional parameter that every command about a system has. */
export const configParameter = {
  brief: "The config, its folder, or image:DIGEST of `ashlar images` (default: the folder you are in)",
  placeholder: "CONFIG",
  parse: String,
  optional: true,
} as const;

/**
 * Absolute path of the config that a command line means, or an image that is here already; without one, that of the folder.
 * @throws E_CONFIG_NOT_FOUND
 */
export async function configPath(cwd: string, given = "."): Promise<string> {
  if (given.startsWith(IMAGE)) return given;
  const { findConfig } = await import("#config/project.ts");
  return findConfig(resolve(cwd, given)).path;
}

/** Whether a word on the command line is a config rather than a package name. */
export function isConfigPath(word: string): boolean {
  return word.includes("/") || /\.(?:ts|json|ya?ml)$/.test(word);
}
