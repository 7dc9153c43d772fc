import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";
import { describeRing } from "../text/keys.ts";

export const keysStatusCommand = defineCommand<NoFlags, [folder: string]>({
  brief: "Show who may sign, and which keys are here",
  description:
    "Roles with their thresholds and keys, when the root expires, and which private keys the folder has. No passphrase is asked for.",
  examples: [{ arguments: "keys status keys", does: "--json for scripts" }],
  parameters: { positional: { kind: "tuple", parameters: [{ brief: "Folder of keys", placeholder: "DIR", parse: String }] } },
  async run(_flags, [folder], { cwd }) {
    const { openRing } = await import("#registry/trust/ring.ts");
    return describeRing(
      openRing(resolve(cwd, folder), () => ""),
      Math.floor(Date.now() / 1000),
    );
  },
});
