import { join, relative, resolve } from "node:path";
import { defineCommand } from "../command.ts";
import { parseCount } from "../numbers.ts";
import { describeRing } from "../text/keys.ts";

type InitFlags = { readonly keys?: number; readonly threshold?: number; readonly days?: number; readonly plain: boolean };

export const keysInitCommand = defineCommand<InitFlags, [folder: string]>({
  brief: "Make the keys that releases are signed with",
  description:
    "Writes offline keys, which sign lists of releases and changes of keys, an online key, which keeps them fresh, and 1.root.json, which says so " +
    "and goes into the config as `updates.root`. The keys are encrypted with a passphrase (prompt, ASHLAR_KEY_PASSPHRASE, " +
    "ASHLAR_KEY_PASSPHRASE_FILE). Keep a copy of each offline key apart from the others: one may be lost or stolen, and the next one goes on.",
  examples: [
    { arguments: "keys init keys", does: 'then: updates: { root: "keys/1.root.json" } in the config' },
    { arguments: "keys init --keys 3 --threshold 2 keys", does: "two of three have to sign" },
  ],
  parameters: {
    flags: {
      keys: { kind: "parsed", parse: parseCount, brief: "Offline keys, at least 2 (default: 2)", placeholder: "N", optional: true },
      threshold: {
        kind: "parsed",
        parse: parseCount,
        brief: "How many of them have to sign (default: 1)",
        placeholder: "N",
        optional: true,
      },
      days: {
        kind: "parsed",
        parse: parseCount,
        brief: "Days after which what is published has to be renewed (default: 30)",
        placeholder: "N",
        optional: true,
      },
      plain: {
        kind: "boolean",
        brief: "Do not encrypt them: for tests and build machines that keep secrets in another way",
        default: false,
      },
    },
    positional: { kind: "tuple", parameters: [{ brief: "Folder for the keys, empty or new", placeholder: "DIR", parse: String }] },
  },
  async run({ plain, ...options }, [folder], context) {
    const [{ checkNewRing, initRing }, { readPassphrase }] = await Promise.all([
      import("#registry/trust/new-ring.ts"),
      import("../passphrase.ts"),
    ]);
    const path = resolve(context.cwd, folder);
    checkNewRing({ folder: path, ...options });
    const passphrase = plain ? undefined : await readPassphrase(context, true);
    const now = Math.floor(Date.now() / 1000);
    const ring = initRing({ folder: path, passphrase, now, ...options });
    const { json, text } = describeRing(ring, now);
    const next = `Put \`updates: { root: ${JSON.stringify(relative(context.cwd, join(path, "1.root.json")))} }\` into the config.`;
    return { json, text: `${text}\n\n${next}` };
  },
});
