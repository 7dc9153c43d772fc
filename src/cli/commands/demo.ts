import { join, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { parseSize } from "../numbers.ts";
import { formatDemo } from "../text/demo.ts";

type DemoFlags = {
  readonly folder?: string;
  readonly memory?: number;
};

export const demoCommand = defineCommand<DemoFlags>({
  brief: "See it all: build, boot, upgrade and roll back a machine",
  description:
    "Builds examples/web, boots it in QEMU, publishes a second generation with one more package and one changed setting, upgrades the " +
    "running machine to it over HTTP, reboots, rolls back, reboots, and checks that the machine is as before. The folder of the demo is " +
    "emptied first; nothing else on this host changes.",
  examples: [{ arguments: "demo", does: "a few minutes; longer without hardware virtualisation" }],
  needsRoot: true,
  parameters: {
    flags: {
      folder: { kind: "parsed", parse: String, brief: "Where its config, keys and releases go", placeholder: "DIR", optional: true },
      memory: { kind: "parsed", parse: parseSize, brief: "Memory of the machine", placeholder: "SIZE", optional: true },
    },
  },
  async run({ folder, memory }, _args, context) {
    const { demo } = await import("#pipeline");
    const summary = await demo(
      {
        folder: folder === undefined ? join(context.workspace.root, "demo") : resolve(context.cwd, folder),
        ...(memory === undefined ? {} : { memory: Math.ceil(memory / 2 ** 20) }),
      },
      context,
    );
    return { json: { ...summary }, text: formatDemo(summary, context.columns) };
  },
});
