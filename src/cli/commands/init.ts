import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { StarterAnswers } from "#config/starter.ts";
import { AshlarError } from "#errors";
import { defineCommand } from "../command.ts";
import type { NoFlags } from "../command.ts";

export type InitErrorCode = "E_INIT_EXISTS";

export const initCommand = defineCommand<NoFlags, [folder?: string]>({
  brief: "Write a commented system.ts to start from",
  description:
    "Writes system.ts, and the types and settings that an editor needs beside it, where there are none yet. The folder is created when it " +
    "is missing; its name becomes the machine's. Your public key in ~/.ssh, if there is one, may log in. An existing system.ts is never overwritten.",
  examples: [
    { arguments: "init web", does: "then: cd web && ashlar check" },
    { arguments: "init", does: "in the folder you are in" },
  ],
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Folder (default: where you are)", placeholder: "DIR", parse: String, optional: true }],
    },
  },
  async run(_flags, [folder = "."], { cwd, env }) {
    const { starterFiles } = await import("#config/starter.ts");
    const target = resolve(cwd, folder);
    const config = join(target, "system.ts");
    if (existsSync(config))
      throw new AshlarError<InitErrorCode>("E_INIT_EXISTS", `${config} exists already`, {
        hint: `ashlar check ${folder}, or init in another folder`,
        details: { path: config },
      });
    await mkdir(target, { recursive: true });
    const missing = [...starterFiles(answersFor(target, env["HOME"]))].filter(([name]) => !existsSync(join(target, name)));
    for (const [name, text] of missing) await writeFile(join(target, name), text, { flag: "wx" });
    const files = missing.map(([name]) => join(target, name));
    return { json: { folder: target, files }, text: `${files.join("\n")}\nNext: ashlar check ${folder}` };
  },
});

function answersFor(folder: string, home: string | undefined): StarterAnswers {
  const sshKey = publicKeyIn(home);
  return { name: systemName(folder), virtual: true, ...(sshKey === undefined ? {} : { administrator: { name: "admin", sshKey } }) };
}

/** Your own public key, so that the first machine lets you in. */
function publicKeyIn(home: string | undefined): string | undefined {
  if (home === undefined) return undefined;
  const found = ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"].map((name) => join(home, ".ssh", name)).find((path) => existsSync(path));
  return found === undefined ? undefined : readFileSync(found, "utf8").trim();
}

/** A folder's name as a system's: small letters, digits and hyphens, a letter first. */
function systemName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32);
  return name === "" ? "machine" : name;
}
