import { resolve } from "node:path";
import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";

export const keyCreateCommand = defineCommand<NoFlags, [path: string]>({
  brief: "Make a key that signs releases",
  description:
    "Writes an ed25519 private key, readable only by you, and prints the public half for updates.keys of the config. An existing " +
    "file is never overwritten. Keep the private key off the machines, and a second key in a safe: machines take only what one of their keys signed.",
  examples: [{ arguments: "key create release-key.pem", does: "then put what it prints into updates.keys" }],
  parameters: {
    positional: { kind: "tuple", parameters: [{ brief: "File for the private key", placeholder: "FILE", parse: String }] },
  },
  async run(_flags, [path], { cwd }) {
    const { createKey } = await import("#registry/sign.ts");
    const file = resolve(cwd, path);
    const { publicKey } = createKey(file);
    return { json: { path: file, publicKey }, text: publicKey };
  },
});
