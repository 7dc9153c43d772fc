import { resolve } from "node:path";
import { formatBytes } from "#report/format.ts";
import { defineCommand } from "../command.ts";

type PullFlags = { readonly ca?: string };

export const pullCommand = defineCommand<PullFlags, [address: string, folder: string]>({
  brief: "Copy an image and its release from a registry into a folder",
  description:
    "Writes an OCI image layout with the image and all that hangs on it. Blobs that are there are not fetched again, and one that " +
    "broke off goes on from its last byte. Nothing is unpacked: `ashlar import` does that, and machines can upgrade from the folder.",
  examples: [
    { arguments: "pull oci://registry.example/team/web:stable /media/usb/web", does: "then: ashlar upgrade --from /media/usb/web" },
  ],
  parameters: {
    flags: { ca: { kind: "parsed", parse: String, brief: "Certificate authority to trust (PEM)", placeholder: "FILE", optional: true } },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "oci://host[:port]/name[:tag][@sha256:…]", placeholder: "ADDRESS", parse: String },
        { brief: "Folder of the layout, made when missing", placeholder: "DIR", parse: String },
      ],
    },
  },
  async run({ ca }, [address, folder], { cwd, ...context }) {
    const { pullOci } = await import("#pipeline");
    const trust = ca === undefined ? {} : { ca: resolve(cwd, ca) };
    const result = await pullOci({ address, folder: resolve(cwd, folder), ...trust }, context);
    return { json: { ...result }, text: `${folder}: ${result.image.digest}, ${formatBytes(result.bytes)} fetched` };
  },
});
