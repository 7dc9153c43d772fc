import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";

type PublishFlags = {
  readonly key: string;
  readonly locked: boolean;
};

export const publishCommand = defineCommand<PublishFlags, [folder: string, config?: string]>({
  brief: "Write a signed release for machines to upgrade to",
  description:
    "Builds what is missing and adds a release to a folder of static files: any web server, or a disk that is carried over, can " +
    "serve it. Only objects that the folder lacks are written, and the signed manifest comes last, so that a machine never sees half a release.",
  examples: [
    { arguments: "publish /srv/releases --key release-key.pem", does: "then: ashlar upgrade --from http://…" },
    { arguments: "publish /media/usb --key release-key.pem web/system.ts", does: "then: ashlar upgrade --from /media/usb" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      key: { kind: "parsed", parse: String, brief: "Private key to sign with (ashlar key create makes one)", placeholder: "FILE" },
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Folder of the releases", placeholder: "DIR", parse: String }, configParameter],
    },
  },
  async run({ key, locked }, [folder, config], context) {
    const { cwd } = context;
    const options = { config: await configPath(cwd, config), folder: resolve(cwd, folder), key: resolve(cwd, key), locked };
    const { publishSystem } = await import("#pipeline");
    const result = await publishSystem(options, context);
    const { name, sequence, image } = result.release;
    return { json: { ...result }, text: `${result.folder}: ${name}, release ${sequence}, image ${image.digest}` };
  },
});
