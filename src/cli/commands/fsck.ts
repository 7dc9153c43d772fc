import { formatBytes, formatCount } from "#report/format.ts";
import { defineCommand } from "../command.ts";
import { formatStoreProblem } from "../text/store-problem.ts";

type FsckFlags = {
  readonly repair: boolean;
};

/** Problems were found and are still there. */
const EXIT_PROBLEMS = 3;

export const fsckCommand = defineCommand<FsckFlags>({
  brief: "Check every object of the store against its digest",
  description:
    "Reads every object of this machine's store and measures it again, and looks whether every image has all its objects. With " +
    "--repair, objects with wrong content are removed, so that the next build makes them again.",
  examples: [
    { arguments: "fsck", does: "changes nothing" },
    { arguments: "fsck --repair", does: "then: ashlar build" },
  ],
  exitCodes: { [EXIT_PROBLEMS]: "There are problems that were not repaired; they are listed." },
  parameters: { flags: { repair: { kind: "boolean", brief: "Remove what is wrong", default: false } } },
  async run({ repair }, _args, context) {
    const { checkStore } = await import("#pipeline");
    const result = await checkStore({ repair }, context);
    const summary = `${formatCount(result.objects, "object")}, ${formatBytes(result.bytes)}, ${formatCount(result.images, "image")}`;
    const left = result.problems.length - result.repaired;
    const lines = result.problems.map(formatStoreProblem);
    const verdict = lines.length === 0 ? "all right" : `${formatCount(lines.length, "problem")}, ${result.repaired} repaired`;
    return { json: { ...result }, text: [...lines, `${summary}: ${verdict}`].join("\n"), exitCode: left > 0 ? EXIT_PROBLEMS : 0 };
  },
});
