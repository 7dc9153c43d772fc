import { resolve } from "node:path";
import { defineCommand } from "../command.ts";

type ImportFlags = { readonly ca?: string };

export const importCommand = defineCommand<ImportFlags, [from: string]>({
  brief: "Take an image from a registry or folder into the store",
  description:
    "Unpacks the plain layers of an image that `ashlar push` or `ashlar export` made. The result has the same digest as what was built, or " +
    "the command fails and the store has no new image. Nothing in the layers can name a path of this host.",
  examples: [
    { arguments: "import oci://registry.example/team/web:stable", does: "then: ashlar diff, ashlar dump" },
    { arguments: "import web.oci", does: "from an OCI layout" },
  ],
  needsRoot: true,
  parameters: {
    flags: { ca: { kind: "parsed", parse: String, brief: "Certificate authority to trust (PEM)", placeholder: "FILE", optional: true } },
    positional: { kind: "tuple", parameters: [{ brief: "oci://… or the folder of a layout", placeholder: "FROM", parse: String }] },
  },
  async run({ ca }, [from], { cwd, ...context }) {
    const { importOci } = await import("#pipeline");
    const address = /^oci(\+http)?:\/\//.test(from) ? from : resolve(cwd, from);
    const result = await importOci({ from: address, ...(ca === undefined ? {} : { ca: resolve(cwd, ca) }) }, context);
    return { json: { ...result }, text: `${result.image.digest}  ${result.image.name}` };
  },
});
