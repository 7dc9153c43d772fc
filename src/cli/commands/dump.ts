import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";

export const dumpCommand = defineCommand<NoFlags, [digest: string]>({
  brief: "Print every file of an image as a composefs dump",
  description:
    "Prints the tree of an image, one line per path, in the format of composefs-dump(5): size, mode, links, owner, time, content, " +
    "digest. Two images are the same exactly when their dumps are.",
  examples: [
    { arguments: "dump 3f9a0c21", does: "the beginning of a digest is enough" },
    { arguments: "dump 3f9a0c21 | grep ^/etc/ssh", does: "what the image has there" },
  ],
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Digest of an image, or its beginning", placeholder: "DIGEST", parse: String }],
    },
  },
  async run(_flags, [digest], context) {
    const { dumpImage } = await import("#pipeline");
    const dump = (await dumpImage({ digest }, context)).trimEnd();
    return { json: { digest, lines: dump.split("\n") }, text: dump };
  },
});
