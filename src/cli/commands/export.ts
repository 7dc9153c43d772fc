import { resolve } from "node:path";
import { formatBytes } from "#report/format.ts";
import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";

type ExportFlags = {
  readonly oci: string;
  readonly tag: string;
  readonly key?: string;
  readonly sequence?: number;
  readonly locked: boolean;
};

export const exportCommand = defineCommand<ExportFlags, [config?: string]>({
  brief: "Write the image as a container image into a folder",
  description:
    "Builds what is missing and writes an OCI image layout: layers that podman, skopeo and registries take, a package's files always in " +
    "the same one, and beside them what a machine needs. With a key it is a signed release, and the folder a source for `ashlar upgrade --from`.",
  examples: [
    { arguments: "export --oci web.oci", does: "then: skopeo copy oci:web.oci:latest …" },
    { arguments: "export --oci /media/usb/web --key release-key.pem", does: "then: ashlar upgrade --from /media/usb/web" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      oci: { kind: "parsed", parse: String, brief: "Folder of the layout, made when missing", placeholder: "DIR" },
      tag: { kind: "parsed", parse: String, brief: "Name of the image in the layout", placeholder: "TAG", default: "latest" },
      key: { kind: "parsed", parse: String, brief: "Sign a release with this private key", placeholder: "FILE", optional: true },
      sequence: { kind: "parsed", parse: parseSequence, brief: "Number of the release (default: 1)", placeholder: "N", optional: true },
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
    },
    positional: { kind: "tuple", parameters: [configParameter] },
  },
  async run({ oci, tag, key, sequence = 1, locked }, [config], context) {
    const { cwd } = context;
    const release = key === undefined ? {} : { release: { key: resolve(cwd, key), sequence } };
    const { exportOci } = await import("#pipeline");
    const result = await exportOci({ config: await configPath(cwd, config), folder: resolve(cwd, oci), tag, locked, ...release }, context);
    const bytes = result.layers.reduce((sum, { size }) => sum + size, 0);
    const json = { folder: resolve(cwd, oci), image: result.image.digest, digest: result.record.image.digest, layers: result.layers };
    return { json, text: `${oci}: ${result.image.digest}, ${result.layers.length} layers, ${formatBytes(bytes)}` };
  },
});

/** @throws SyntaxError for what is no whole number from 1 */
function parseSequence(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new SyntaxError(`${JSON.stringify(text)} is no number of a release`);
  return Number(text);
}
