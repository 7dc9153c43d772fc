import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { openKeys, usage } from "../signing.ts";
import { describeRing } from "../text/keys.ts";

type RotateFlags = { readonly revoke?: string; readonly noNewKey: boolean; readonly plain: boolean };

export const keysRotateCommand = defineCommand<RotateFlags, [folder: string]>({
  brief: "Take in a new key, or put one in place of another",
  description:
    "Writes the next root, signed by keys of the one before, so that every machine can follow, one root after the other. With --revoke the named key " +
    "counts no more once a machine has seen the new root; a new one comes in its place. It takes effect with the next `ashlar publish`, `push` or " +
    "`keys renew`. Without --revoke a key is added. The root is good for three years from then.",
  examples: [
    { arguments: "keys rotate keys", does: "one more key" },
    { arguments: "keys rotate --revoke 3f2a90c1 keys", does: "another one in its place" },
  ],
  parameters: {
    flags: {
      revoke: {
        kind: "parsed",
        parse: String,
        brief: "Key that must not count any more, by the beginning of its id",
        placeholder: "KEYID",
        optional: true,
      },
      noNewKey: { kind: "boolean", brief: "Make no new key", default: false },
      plain: { kind: "boolean", brief: "Do not encrypt the new key", default: false },
    },
    positional: { kind: "tuple", parameters: [{ brief: "Folder of keys", placeholder: "DIR", parse: String }] },
  },
  async run({ revoke, noNewKey, plain }, [folder], context) {
    const ring = await openKeys(resolve(context.cwd, folder), context);
    // A new key would be encrypted with a passphrase that nobody was asked for.
    if (!noNewKey && !plain && ring.keys.every(({ file }) => file.kdf === undefined) && ring.keys.length > 0)
      throw usage("the keys in this folder are plain: say --plain, too, for the new one, or --no-new-key");
    const { rotateRing } = await import("#registry/trust/rotation.ts");
    const now = Math.floor(Date.now() / 1000);
    return describeRing(rotateRing(ring, { revoke, add: !noNewKey, plain, now }), now);
  },
});
