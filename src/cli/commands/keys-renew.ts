import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { openKeys } from "../signing.ts";

type RenewFlags = { readonly ca?: string };

export const keysRenewCommand = defineCommand<RenewFlags, [folder: string, place: string]>({
  brief: "Sign what is published anew, before it expires",
  description:
    "Writes a new timestamp and snapshot, and roots that came since, into a folder of `ashlar publish` or a repository of a registry. Its releases stay " +
    "as they are. The online key is enough: a timer can do it. Machines refuse what is not renewed in time, so that nobody can keep " +
    "them at an old release without their noticing.",
  examples: [
    { arguments: "keys renew keys /srv/releases/web", does: "in a weekly timer" },
    { arguments: "keys renew keys oci://registry.example/team/web", does: "the same in a registry" },
  ],
  parameters: {
    flags: { ca: { kind: "parsed", parse: String, brief: "Certificate authority to trust (PEM)", placeholder: "FILE", optional: true } },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "Folder of keys", placeholder: "DIR", parse: String },
        { brief: "Folder of releases, or oci://host[:port]/name", placeholder: "PLACE", parse: String },
      ],
    },
  },
  async run({ ca }, [folder, place], context) {
    const signing = await openKeys(resolve(context.cwd, folder), context);
    const { renewTrust } = await import("#pipeline");
    const { isOciAddress } = await import("#registry/oci/reference.ts");
    const address = isOciAddress(place.toLowerCase()) ? place : resolve(context.cwd, place);
    const options = { signing, place: address, ...(ca === undefined ? {} : { ca: resolve(context.cwd, ca) }) };
    const { expires, root } = await renewTrust(options, context);
    return { json: { place: address, expires, root }, text: `${address}: good until ${expires}, root ${root}` };
  },
});
