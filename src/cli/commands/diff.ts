import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";
import { formatComparison } from "../text/comparison.ts";

const image = (brief: string, placeholder: string) => ({ brief, placeholder, parse: String });

export const diffCommand = defineCommand<NoFlags, [from: string, to: string]>({
  brief: "Show what differs between two images",
  description:
    "Compares two images that were built here: packages (added, removed, newer, older), options of the config, files and sizes. " +
    "ashlar images lists the digests.",
  examples: [{ arguments: "diff 3f9a0c21 b07d11e4", does: "from the first to the second" }],
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [
        image("Digest of the older image, or its beginning", "OLD"),
        image("Digest of the newer image, or its beginning", "NEW"),
      ],
    },
  },
  async run(_flags, [from, to], context) {
    const { compareImages } = await import("#pipeline");
    const comparison = await compareImages({ from, to }, context);
    return { json: { ...comparison }, text: formatComparison(comparison, context.columns) };
  },
});
