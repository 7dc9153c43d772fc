import { resolve } from "node:path";
import { formatBytes } from "#report/format.ts";
import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";
import { parseSize } from "../numbers.ts";

type DiskFlags = {
  readonly output: string;
  readonly size?: number;
  readonly locked: boolean;
};

export const diskCommand = defineCommand<DiskFlags, [config?: string]>({
  brief: "Write a disk image that boots",
  description:
    "Builds what is missing and writes a GPT disk with an EFI system partition and the root file system, without root and without " +
    "loop devices. The file is replaced in one step; write it to a real disk with dd, or start it in any virtual machine with UEFI.",
  examples: [
    { arguments: "disk -o web.img", does: "content and 2 GiB of room" },
    { arguments: "disk -o web.img --size 20G web/system.ts", does: "for a disk of 20 GiB" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      output: { kind: "parsed", parse: String, brief: "File to write", placeholder: "FILE" },
      size: { kind: "parsed", parse: parseSize, brief: "Size of the disk", placeholder: "SIZE", optional: true },
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
    },
    aliases: { o: "output" },
    positional: { kind: "tuple", parameters: [configParameter] },
  },
  async run({ output, size, locked }, [config], context) {
    const options = { config: await configPath(context.cwd, config), output: resolve(context.cwd, output), locked };
    const { makeDiskImage } = await import("#pipeline");
    const result = await makeDiskImage({ ...options, ...(size === undefined ? {} : { size }) }, context);
    return { json: { ...result }, text: `${result.output}: ${formatBytes(result.bytes)}, image ${result.image.digest}` };
  },
});
