import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";
import type { CommandResult, CommandRun } from "../context.ts";
import { formatFileChanges } from "../text/file-changes.ts";

type BuildFlags = {
  readonly check: boolean;
  readonly locked: boolean;
  readonly keep: boolean;
  readonly plain: boolean;
};

/** `--check` found a difference: not a failure of the build, and not a success. */
const EXIT_DIFFERENT = 3;

export const buildCommand = defineCommand<BuildFlags, [config?: string]>({
  brief: "Build the image of a config and print its digest",
  description:
    "Builds the image from the config and its lock, which is made when it is missing. Steps whose inputs have not changed are " +
    "taken from the cache. Only the digest goes to standard output. A failed or interrupted build leaves the last image as it was.",
  examples: [
    { arguments: "build", does: "the system.ts of this folder" },
    { arguments: "build --locked", does: "in CI: refuse to touch the lock" },
    { arguments: "build --check", does: "prove that it is reproducible" },
    { arguments: "build --keep", does: "keep the build folder, to look into a failing maintainer script" },
  ],
  exitCodes: { [EXIT_DIFFERENT]: "--check: the two builds differ; the paths are listed." },
  needsRoot: true,
  parameters: {
    flags: {
      check: { kind: "boolean", brief: "Build twice from nothing in different conditions, and compare", default: false },
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
      keep: { kind: "boolean", brief: "Keep the build folder, also when the build fails", default: false },
      plain: { kind: "boolean", brief: "Let dpkg unpack, one package after the other: slower, the same result", default: false },
    },
    positional: { kind: "tuple", parameters: [configParameter] },
  },
  async run({ check, locked, keep, plain }, [config], context) {
    const options = { config: await configPath(context.cwd, config), locked, keep, plain };
    if (check) return compareTwoBuilds(options, context);
    const { buildSystem } = await import("#pipeline");
    const result = await buildSystem(options, context);
    if (result.cached) context.report.note("info", `${result.image.name}: nothing changed`);
    return { json: { ...result }, text: result.image.digest };
  },
});

async function compareTwoBuilds(options: { readonly config: string }, context: CommandRun): Promise<CommandResult> {
  const { checkReproducible } = await import("#pipeline");
  const result = await checkReproducible(options, context);
  const [one, other] = result.digests;
  if (result.equal) return { json: { ...result }, text: `reproducible: both builds are ${one}` };
  const text = `not reproducible: ${one} and ${other} differ in\n${formatFileChanges(result.differences, context.columns)}`;
  return { json: { ...result }, text, exitCode: EXIT_DIFFERENT };
}
