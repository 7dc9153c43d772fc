import { formatBytes, formatCount } from "#report/format.ts";
import { defineCommand } from "../command.ts";

type CollectFlags = {
  readonly keep: number;
  readonly dryRun: boolean;
};

export const collectCommand = defineCommand<CollectFlags>({
  brief: "Forget old images and remove what nothing needs",
  description:
    "Keeps the images of each system that were built last, and removes from this machine's store what none of them needs. Nothing is " +
    "removed while a build runs, or when it cannot be read what is needed.",
  examples: [
    { arguments: "collect", does: "keep three images of each system" },
    { arguments: "collect --keep 1 --dry-run", does: "how much would that free?" },
  ],
  parameters: {
    flags: {
      keep: { kind: "parsed", parse: parseKeep, brief: "Images of each system to keep", placeholder: "N", default: "3" },
      dryRun: { kind: "boolean", brief: "Only say what would be removed", default: false },
    },
  },
  async run(options, _args, context) {
    const { collectStore } = await import("#pipeline");
    const result = await collectStore(options, context);
    const verb = options.dryRun ? "would remove" : "removed";
    const gone = `${formatCount(result.images.length, "image")}, ${formatCount(result.removed, "object")}, ${formatBytes(result.bytes)}`;
    return { json: { ...result }, text: `${verb} ${gone}; ${formatCount(result.kept, "object")} kept` };
  },
});

function parseKeep(input: string): number {
  if (!/^[1-9]\d{0,3}$/.test(input)) throw new Error(`"${input}" is not a number of images; keep 1 or more`);
  return Number(input);
}
