import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";

export const manCommand = defineCommand<NoFlags, [string]>({
  brief: "Write the manual pages to a folder",
  description: "Writes ashlar.1 and one page per command, made from the command table. The folder is created when it is missing.",
  examples: [{ arguments: "man /usr/local/share/man/man1", does: "then: man ashlar-build" }],
  parameters: {
    positional: { kind: "tuple", parameters: [{ brief: "Folder for the pages", placeholder: "DIR", parse: String }] },
  },
  async run(_flags, [folder], { cwd, groups }) {
    const { manualPages } = await import("../manual.ts");
    const target = resolve(cwd, folder);
    await mkdir(target, { recursive: true });
    const pages = manualPages(groups);
    for (const [name, text] of Object.entries(pages)) await writeFile(join(target, name), text);
    const files = Object.keys(pages);
    return { json: { folder: target, files }, text: `${files.length} pages in ${target}` };
  },
});
