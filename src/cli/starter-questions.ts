/** The questions of `ashlar init` on a terminal. A flag answers its question. */
import { basename } from "node:path";
import { isCancel, select, text } from "@clack/prompts";
import type { StarterAnswers } from "#config/starter.ts";
import { AshlarError } from "#errors";
import { answersWithoutAsking, problemWith, publicKeys } from "./starter-answers.ts";
import type { StarterFlags, StarterPlace } from "./starter-answers.ts";

export type QuestionErrorCode = "E_INIT_CANCELLED";

/** @throws E_INIT_CANCELLED after Ctrl-C or Escape; nothing has been written then */
export async function askForAnswers(flags: StarterFlags, place: StarterPlace): Promise<StarterAnswers> {
  const given = await answersWithoutAsking(flags, place);
  const name = flags.name ?? (await ask("What is the machine called?", given.name, (value) => ({ name: value })));
  const virtual = flags.hardware
    ? false
    : await answered(
        select({
          message: "Where will it run?",
          options: [
            { value: true, label: "In a virtual machine", hint: "small kernel, serial console" },
            { value: false, label: "On hardware", hint: "all drivers" },
          ],
        }),
      );
  const sshKey = flags.sshKey === undefined ? await askForKey(place.home) : given.administrator?.sshKey;
  const admin =
    sshKey === undefined
      ? undefined
      : (flags.admin ??
        (await ask("Who may log in with that key, and become root?", "admin", (value) => ({ administrator: { name: value, sshKey } }))));
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const timezone = flags.timezone ?? (await ask("Which time zone?", here, (value) => ({ timezone: value })));
  return { name, virtual, timezone, ...(sshKey === undefined || admin === undefined ? {} : { administrator: { name: admin, sshKey } }) };
}

async function ask(message: string, initialValue: string, as: (value: string) => Partial<StarterAnswers>): Promise<string> {
  for (let value = initialValue, question = message; ;) {
    value = await answered(text({ message: question, initialValue: value }));
    const problem = await problemWith(as(value));
    if (problem === undefined) return value;
    question = `${message} ${problem}`;
  }
}

async function askForKey(home: string | undefined): Promise<string | undefined> {
  const keys = publicKeys(home);
  if (keys.length === 0) return undefined;
  const later = "";
  const options = [
    ...keys.map(({ path, text: key }) => ({ value: key, label: basename(path), hint: key.split(" ").at(-1) ?? "" })),
    { value: later, label: "None yet", hint: "system.ts says where it goes" },
  ];
  const chosen = await answered(select({ message: "Which key may log in by ssh?", options }));
  return chosen === later ? undefined : chosen;
}

async function answered<T>(question: Promise<T>): Promise<Exclude<T, symbol>> {
  const answer = await question;
  if (isCancel(answer))
    throw new AshlarError<QuestionErrorCode>("E_INIT_CANCELLED", "no file was written", {
      hint: "ashlar init --yes asks nothing; ashlar init --help lists the flags",
    });
  return answer as Exclude<T, symbol>;
}
