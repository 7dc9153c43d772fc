import { statSync } from "node:fs";
import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { configPath } from "../config-path.ts";

type AdoptFlags = {
  readonly from: string;
  readonly dryRun: boolean;
  readonly secrets: boolean;
  readonly otherSystem: boolean;
};

export const adoptCommand = defineCommand<AdoptFlags, string[]>({
  brief: "Take what was changed on a machine into its config",
  description:
    "Reads what differs on a machine (ashlar drift lists it there) and changes the config so that the next build has it: files, links, " +
    "folders, drop-ins, units, kernel parameters and arguments. The new config is evaluated and rendered first, and written only when the " +
    "result has the machine's bytes, mode and owner and nothing else of the system changed. Comments and layout stay. " +
    "ASHLAR_SSH names another ssh command, with options.",
  examples: [
    { arguments: "adopt --from root@web1 /etc/motd", does: "into the system.ts of this folder" },
    { arguments: "adopt web --from ada@web1:2222 nginx.service vm.swappiness", does: "a unit and a kernel parameter" },
    { arguments: "adopt --from drift.json --dry-run", does: "a file that `ashlar drift export` wrote; only show the change" },
  ],
  parameters: {
    flags: {
      from: {
        kind: "parsed",
        parse: String,
        brief: "The machine, user@host or user@host:port; or an exported file",
        placeholder: "SOURCE",
      },
      dryRun: { kind: "boolean", brief: "Show the change of the config, write nothing", default: false },
      secrets: {
        kind: "boolean",
        brief: "Take contents along that may be secret; whoever reads the config or image sees them",
        default: false,
      },
      otherSystem: { kind: "boolean", brief: "The machine may run a system of another name", default: false },
    },
    positional: {
      kind: "array",
      parameter: {
        brief: "A config (default: the one here), and what to adopt: paths, units, parameters",
        placeholder: "CONFIG|NAME",
        parse: String,
      },
    },
  },
  async run({ from, dryRun, secrets, otherSystem }, words, { cwd, env }) {
    const [first, ...rest] = words;
    const hasConfig = first !== undefined && isConfig(first, cwd);
    const config = await configPath(cwd, hasConfig ? first : undefined);
    const { adoptDrift, readDrift } = await import("#pipeline");
    const drift = await readDrift({ from, names: hasConfig ? rest : words, secrets, env });
    const result = await adoptDrift({ config, drift, dryRun, otherSystem });
    const what = `${result.adopted.join(", ")}: proven to be rendered as on the machine`;
    const done = dryRun ? `would be written: ${result.written.join(", ")}` : `written: ${result.written.join(", ")}`;
    return { json: { ...result }, text: [...(result.diff === "" ? [] : [result.diff, ""]), what, done].join("\n") };
  },
});

/** Paths on the machine are absolute; a config has its ending, or is a folder here. */
function isConfig(word: string, cwd: string): boolean {
  if (/\.(?:[cm]?[jt]s|json|ya?ml)$/.test(word) && !word.startsWith("/etc/")) return true;
  return !word.startsWith("/") && statSync(resolve(cwd, word), { throwIfNoEntry: false })?.isDirectory() === true;
}
