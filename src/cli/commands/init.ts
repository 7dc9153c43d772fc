import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AshlarError } from "#errors";
import { defineCommand } from "../command.ts";
import type { StarterFlags } from "../starter-answers.ts";

type InitFlags = StarterFlags & {
  readonly yes: boolean;
};

export type InitErrorCode = "E_INIT_EXISTS";

export const initCommand = defineCommand<InitFlags, [folder?: string]>({
  brief: "Write a commented system.ts to start from",
  description:
    "Writes system.ts, and the types and settings that an editor needs beside it, where there are none yet. On a terminal it asks a few " +
    "questions; flags answer them, and with --yes or without a terminal nothing is asked: the folder's name becomes the machine's, and " +
    "your public key in ~/.ssh, if there is one, may log in. An existing system.ts is never overwritten.",
  examples: [
    { arguments: "init web", does: "then: cd web && ashlar check" },
    { arguments: "init", does: "in the folder you are in" },
    { arguments: "init --yes --hardware --timezone Europe/Berlin lab", does: "no questions" },
  ],
  parameters: {
    flags: {
      yes: { kind: "boolean", brief: "Ask nothing", default: false },
      name: { kind: "parsed", parse: String, brief: "Name of the machine (default: the folder's)", placeholder: "NAME", optional: true },
      hardware: { kind: "boolean", brief: "The kernel with all drivers, not the small one for virtual machines", default: false },
      admin: {
        kind: "parsed",
        parse: String,
        brief: "Who may log in and become root (default: admin)",
        placeholder: "USER",
        optional: true,
      },
      sshKey: { kind: "parsed", parse: String, brief: "Their public key (default: from ~/.ssh)", placeholder: "FILE", optional: true },
      timezone: { kind: "parsed", parse: String, brief: "Time zone (default: UTC)", placeholder: "ZONE", optional: true },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Folder (default: where you are)", placeholder: "DIR", parse: String, optional: true }],
    },
  },
  async run({ yes, ...flags }, [folder = "."], { cwd, env, interactive }) {
    const { starterFiles } = await import("#config/starter.ts");
    const target = resolve(cwd, folder);
    const config = join(target, "system.ts");
    if (existsSync(config))
      throw new AshlarError<InitErrorCode>("E_INIT_EXISTS", `${config} exists already`, {
        hint: `ashlar check ${folder}, or init in another folder`,
        details: { path: config },
      });
    const place = { folder: target, cwd, home: env["HOME"] };
    const asks = interactive && !yes;
    const answers = asks
      ? await (await import("../starter-questions.ts")).askForAnswers(flags, place)
      : await (await import("../starter-answers.ts")).answersWithoutAsking(flags, place);
    await mkdir(target, { recursive: true });
    const missing = [...starterFiles(answers)].filter(([name]) => !existsSync(join(target, name)));
    for (const [name, text] of missing) await writeFile(join(target, name), text, { flag: "wx" });
    const files = missing.map(([name]) => join(target, name));
    return { json: { folder: target, files }, text: `${files.join("\n")}\nNext: ashlar check ${folder}` };
  },
});
