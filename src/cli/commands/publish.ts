import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { configParameter, configPath } from "../config-path.ts";
import { signingFlags, signingOf, usage } from "../signing.ts";
import type { SigningFlags } from "../signing.ts";
import { signaturesText } from "../text/keys.ts";

type PublishFlags = SigningFlags & { readonly locked: boolean };

export const publishCommand = defineCommand<PublishFlags, [folder: string, config?: string]>({
  brief: "Write a signed release for machines to upgrade to",
  description:
    "Builds what is missing and adds a release to a folder of static files: any web server, or a disk that is carried over, can " +
    "serve it. Only objects that the folder lacks are written, and what is signed comes last, so that a machine never sees half a release.",
  examples: [
    { arguments: "publish /srv/releases --keys keys", does: "then: ashlar upgrade --from http://…" },
    { arguments: "publish /media/usb --keys keys --channel beta web/system.ts", does: "then: ashlar upgrade --from /media/usb" },
  ],
  needsRoot: true,
  parameters: {
    flags: {
      ...signingFlags,
      locked: { kind: "boolean", brief: "Fail where the lock would have to change", default: false },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Folder of the releases", placeholder: "DIR", parse: String }, configParameter],
    },
  },
  async run({ locked, ...flags }, [folder, config], context) {
    const { cwd } = context;
    const signing = await signingOf(flags, context);
    if (signing === undefined) throw usage("publish takes --keys DIR, the keys to sign with");
    const options = { config: await configPath(cwd, config), folder: resolve(cwd, folder), ...signing, locked };
    const { publishSystem } = await import("#pipeline");
    const result = await publishSystem(options, context);
    const { name, sequence, image } = result.release;
    const text = `${result.folder}: ${name}, release ${sequence}, image ${image.digest}`;
    return {
      json: { ...result },
      text: result.waits === undefined ? text : `${text}\nno machine sees it yet: ${signaturesText(result.waits)}`,
    };
  },
});
