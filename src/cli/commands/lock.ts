import { AshlarError } from "#errors";
import { formatCount } from "#report/format.ts";
import type { CliErrorCode } from "../application.ts";
import { defineCommand } from "../command.ts";
import { configPath, isConfigPath } from "../config-path.ts";
import { formatPackageChanges } from "../text/package-changes.ts";

type LockFlags = {
  readonly upgrade: boolean;
};

export const lockCommand = defineCommand<LockFlags, string[]>({
  brief: "Resolve packages and write the lock beside the config",
  description:
    "Verifies the archive's signatures, lets apt resolve the packages of the config, and writes system.lock.json. What the " +
    "lock has already keeps its version, unless --upgrade says otherwise. Commit the file: the same config and lock make the same image.",
  examples: [
    { arguments: "lock", does: "after a change of the config's packages" },
    { arguments: "lock --upgrade", does: "move everything to the archive's newest versions" },
    { arguments: "lock --upgrade openssh-server nginx", does: "move two packages and what they need" },
  ],
  needsRoot: true,
  parameters: {
    flags: { upgrade: { kind: "boolean", brief: "Move the named packages to the newest version; all when none is named", default: false } },
    positional: {
      kind: "array",
      parameter: { brief: "A config (default: system.ts here), and packages for --upgrade", placeholder: "CONFIG|PACKAGE", parse: String },
    },
  },
  async run({ upgrade }, words, context) {
    const [config, ...more] = words.filter(isConfigPath);
    const packages = words.filter((word) => !isConfigPath(word));
    if (more.length > 0) throw usage(`one config at a time, and not also ${more.join(" ")}`, "ashlar lock CONFIG, once for each");
    if (packages.length > 0 && !upgrade)
      throw usage(`${packages.join(" ")}: packages are named only with --upgrade`, `ashlar lock --upgrade ${packages.join(" ")}`);
    const { lockSystem } = await import("#pipeline");
    const options = {
      config: await configPath(context.cwd, config),
      ...(upgrade ? { upgrade: packages.length > 0 ? packages : ("all" as const) } : {}),
    };
    const { path, lock, changes } = await lockSystem(options, context);
    return {
      json: { path, packages: lock.packages.length, archives: lock.archives, changes },
      text: `${formatPackageChanges(changes, context.columns)}\n${path}: ${formatCount(lock.packages.length, "package")}`.trimStart(),
    };
  },
});

function usage(message: string, hint: string): AshlarError<CliErrorCode> {
  return new AshlarError<CliErrorCode>("E_CLI_USAGE", message, { hint, exitCode: 2 });
}
