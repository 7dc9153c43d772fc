import { resolve } from "node:path";
import { formatBytes } from "#report/format.ts";
import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";
import { signingFlags, signingOf } from "../signing.ts";
import type { SigningFlags } from "../signing.ts";

type PushFlags = SigningFlags & {
  readonly ca?: string;
  readonly mountFrom?: string;
  readonly locked: boolean;
};

export const pushCommand = defineCommand<PushFlags, [address: string, config?: string]>({
  brief: "Write a signed release into a container registry",
  description:
    "Builds what is missing and pushes an ordinary OCI image with the signed release attached. Layers that the registry has do not " +
    "travel, and the tag moves last. Logins are those of podman and docker (auth.json, config.json); credential helpers are not started.",
  examples: [
    { arguments: "push oci://registry.example/team/web:stable --keys keys", does: "then: ashlar upgrade --from oci://…" },
    { arguments: "push oci+http://localhost:5000/web", does: "only the container image, to a registry without TLS" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      ...signingFlags,
      ca: { kind: "parsed", parse: String, brief: "Certificate authority to trust (PEM)", placeholder: "FILE", optional: true },
      mountFrom: {
        kind: "parsed",
        parse: String,
        brief: "Repository of the same registry that has most layers",
        placeholder: "NAME",
        optional: true,
      },
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "oci://host[:port]/name[:tag]", placeholder: "ADDRESS", parse: String }, configParameter],
    },
  },
  async run({ ca, mountFrom, locked, ...flags }, [address, config], context) {
    const { cwd } = context;
    const release = await signingOf(flags, context);
    const { pushOci } = await import("#pipeline");
    const options = {
      config: await configPath(cwd, config),
      address,
      locked,
      ...(release === undefined ? {} : { release }),
      ...(ca === undefined ? {} : { ca: resolve(cwd, ca) }),
      ...(mountFrom === undefined ? {} : { mountFrom }),
    };
    const result = await pushOci(options, context);
    const what = result.release === undefined ? "an image without a release" : `release ${result.release}`;
    const text = `${result.address}\n${what}; ${result.uploaded} of ${result.blobs} blobs, ${formatBytes(result.bytes)}, travelled`;
    return { json: { ...result }, text };
  },
});
