import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";

type BuildFlags = {
  readonly locked: boolean;
  readonly keep: boolean;
  readonly plain: boolean;
};

export const buildCommand = defineCommand<BuildFlags, [config?: string]>({
  brief: "Build the image of a config and print its digest",
  description:
    "Builds the image from the config and its lock, which is made when it is missing. Steps whose inputs have not changed are " +
    "taken from the cache. Only the digest goes to standard output. A failed or interrupted build leaves the last image as it was.",
  examples: [
    { arguments: "build", does: "system.ts of this folder" },
    { arguments: "build --locked", does: "in CI: refuse to touch the lock" },
    { arguments: "build --keep", does: "keep the build folder, to look into a failing maintainer script" },
  ],
  parameters: {
    flags: {
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
      keep: { kind: "boolean", brief: "Keep the build folder, also when the build fails", default: false },
      plain: { kind: "boolean", brief: "Let dpkg unpack, one package after the other: slower, the same result", default: false },
    },
    positional: { kind: "tuple", parameters: [configParameter] },
  },
  async run({ locked, keep, plain }, [config], { cwd, workspace, report }) {
    const { buildSystem } = await import("../../pipeline/build.ts");
    const result = await buildSystem({ config: configPath(cwd, config), locked, keep, plain }, { workspace, report });
    if (result.cached) report.note("info", `${result.image.name}: nothing changed`);
    return { json: { ...result }, text: result.image.digest };
  },
});
