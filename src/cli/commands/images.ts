import { table } from "#report/table.ts";
import type { BuildRecord } from "../../pipeline/record.ts";
import { defineCommand } from "../command.ts";

export const imagesCommand = defineCommand({
  brief: "List the images that were built here",
  description:
    "Lists the images of this machine's store, the newest packages first, with the digests that diff, dump, disk and publish take.",
  examples: [{ arguments: "images", does: "with their digests" }],
  parameters: {},
  async run(_flags, _args, { workspace, columns }) {
    const { openStore } = await import("#store/open.ts");
    const { listRefs } = await import("#store/refs.ts");
    const store = await openStore(workspace.store);
    try {
      const images = listRefs(store, "images").map(({ value }) => (value as BuildRecord).image);
      const sorted = images.sort((a, b) => b.epoch - a.epoch || (a.digest < b.digest ? -1 : 1));
      const rows = sorted.map((image) => [image.digest.slice(0, 16), image.name, isoDay(image.epoch), image.kernel?.version ?? "none"]);
      const text = table(
        rows,
        [{ title: "Digest" }, { title: "Name", shrink: true }, { title: "Packages of" }, { title: "Kernel" }],
        columns,
      );
      return { json: { images: sorted }, text: rows.length === 0 ? "No image has been built here; ashlar build makes one." : text };
    } finally {
      await store.close();
    }
  },
});

function isoDay(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
