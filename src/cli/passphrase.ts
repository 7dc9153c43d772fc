/** The passphrase of encrypted keys: from the environment, a file, or whoever sits there. It is never an argument, which others see. */
import { readFileSync } from "node:fs";
import { isCancel, password } from "@clack/prompts";
import { AshlarError } from "#errors";
import type { CommandRun } from "./context.ts";

export type PassphraseErrorCode = "E_KEYS_PASSPHRASE";

const LENGTH_MIN = 8;

/**
 * @param fresh for keys that are being made: asked twice, and not taken when too short
 * @throws E_KEYS_PASSPHRASE
 */
export async function readPassphrase({ env, interactive }: Pick<CommandRun, "env" | "interactive">, fresh = false): Promise<string> {
  const file = env["ASHLAR_KEY_PASSPHRASE_FILE"];
  const given = env["ASHLAR_KEY_PASSPHRASE"] ?? (file === undefined ? undefined : readFileSync(file, "utf8").replace(/\r?\n$/, ""));
  const passphrase = given ?? (interactive ? await ask(fresh) : undefined);
  if (passphrase === undefined) throw refused("the keys are encrypted, and nobody is here to give their passphrase");
  if (fresh && passphrase.length < LENGTH_MIN) throw refused(`the passphrase is shorter than ${LENGTH_MIN} characters`);
  return passphrase;
}

async function ask(fresh: boolean): Promise<string> {
  const typed = await password({ message: fresh ? "A passphrase for the new keys" : "The passphrase of the keys" });
  const again = fresh && !isCancel(typed) ? await password({ message: "The same again" }) : typed;
  if (isCancel(typed) || isCancel(again)) throw refused("no passphrase was given");
  if (typed !== again) throw refused("the two passphrases differ");
  return typed;
}

function refused(why: string): AshlarError<PassphraseErrorCode> {
  return new AshlarError("E_KEYS_PASSPHRASE", `${why}; nothing was written`, {
    hint: "set ASHLAR_KEY_PASSPHRASE or ASHLAR_KEY_PASSPHRASE_FILE; for a test lab only, ashlar keys init --plain",
  });
}
