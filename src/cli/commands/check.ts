import { formatCount } from "#report/format.ts";
import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";

export const checkCommand = defineCommand<NoFlags, [config?: string]>({
  brief: "Evaluate a config and say what is wrong with it",
  description:
    "Evaluates the config without network, processes or clock, fills in the defaults and checks every option. " +
    "What is allowed and seldom meant comes as advice. With --json the evaluated system is printed, exactly as it is hashed.",
  examples: [
    { arguments: "check", does: "the system.ts of this folder" },
    { arguments: "check --json web/system.ts", does: "with every default filled in" },
  ],
  parameters: { positional: { kind: "tuple", parameters: [configParameter] } },
  async run(_flags, [config], { cwd, workspace }) {
    const path = await configPath(cwd, config);
    const [{ loadSystem }, { adviceOn }] = await Promise.all([import("#config/load.ts"), import("#config/advice.ts")]);
    const { system, digest } = await loadSystem(path, workspace);
    const { name, distribution, packages } = system;
    const summary = `${name}: ${distribution.name} ${distribution.suite} ${distribution.architecture}, ${formatCount(packages.length, "package")} named`;
    const advice = adviceOn(system);
    const lines = [`${path} is right`, `  ${summary}`, `  digest ${digest}`, ...advice.map((text) => `advice: ${text}`)];
    return { json: { path, digest, system, advice }, text: lines.join("\n") };
  },
});
