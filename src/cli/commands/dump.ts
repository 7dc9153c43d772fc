import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";

export const dumpCommand = defineCommand<NoFlags, [digest: string]>({
  brief: "Print every file of an image as a composefs dump",
  description:
    "Prints the tree of an image, one line per path, in composefs-dump(5): size, mode, links, owner, time, content, digest. " +
    "Two images are the same exactly when their dumps are.",
  examples: [
    { arguments: "dump 3f9a0c21", does: "the beginning of a digest is enough" },
    { arguments: "dump 3f9a0c21 | grep /etc/ssh", does: "what the image has there" },
  ],
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Digest of an image, or its beginning", placeholder: "DIGEST", parse: String }],
    },
  },
  async run(_flags, [digest], { workspace }) {
    const { openStore } = await import("#store/open.ts");
    const { findRecord } = await import("../../pipeline/record.ts");
    const store = await openStore(workspace.store);
    try {
      const record = findRecord(store, digest);
      const dump = store.read(record.dump).toString("latin1").trimEnd();
      return { json: { digest: record.image.digest, lines: dump.split("\n") }, text: dump };
    } finally {
      await store.close();
    }
  },
});
