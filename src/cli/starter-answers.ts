/** What `ashlar init` needs to know: from flags, from the folder's name, and from the keys of whoever runs it. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { StarterAnswers } from "#config/starter.ts";
import { AshlarError, messageOf } from "#errors";
import type { CliErrorCode } from "./application.ts";

export type StarterFlags = {
  readonly name?: string;
  readonly hardware: boolean;
  readonly admin?: string;
  readonly sshKey?: string;
  readonly timezone?: string;
};

/** A public key of this user. */
export interface PublicKey {
  readonly path: string;
  readonly text: string;
}

export interface StarterPlace {
  /** The folder that becomes the project. */
  readonly folder: string;
  readonly cwd: string;
  /** Whose public keys may log in; undefined: nobody's. */
  readonly home: string | undefined;
}

/**
 * The answers when nobody is asked.
 * @throws E_CLI_USAGE for a value that a config would refuse
 */
export async function answersWithoutAsking(flags: StarterFlags, place: StarterPlace): Promise<StarterAnswers> {
  const key = flags.sshKey === undefined ? publicKeys(place.home)[0]?.text : readKey(resolve(place.cwd, flags.sshKey));
  const answers: StarterAnswers = {
    name: flags.name ?? systemName(place.folder),
    virtual: !flags.hardware,
    ...(key === undefined ? {} : { administrator: { name: flags.admin ?? "admin", sshKey: key } }),
    ...(flags.timezone === undefined ? {} : { timezone: flags.timezone }),
  };
  const problem = await problemWith(answers);
  if (problem !== undefined) throw usage(problem, "ashlar init --help");
  return answers;
}

/** What a config would say against the answers, or undefined. */
export async function problemWith(answers: Partial<StarterAnswers>): Promise<string | undefined> {
  const { validate } = await import("#config/validate.ts");
  const { name = "machine", administrator, timezone = "UTC" } = answers;
  const users = administrator === undefined ? {} : { [administrator.name]: { sshKeys: [administrator.sshKey] } };
  const result = validate({ name, timezone, users });
  if ("system" in result) return undefined;
  const [first] = result.problems;
  return first === undefined ? undefined : `${first.path.join(".")}: ${first.message}${first.hint === undefined ? "" : ` (${first.hint})`}`;
}

/** The public keys in `~/.ssh`, the strongest kind first. */
export function publicKeys(home: string | undefined): readonly PublicKey[] {
  const folder = join(home ?? "", ".ssh");
  if (home === undefined || !existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".pub"));
  const rank = (name: string): number => ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"].indexOf(name) + 1 || 4;
  return names
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((name) => ({ path: join(folder, name), text: readKey(join(folder, name)) }))
    .filter(({ text }) => /^(?:ssh|ecdsa|sk)-\S+ \S+/.test(text));
}

/** A folder's name as a system's: small letters, digits and hyphens, a letter first. */
export function systemName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32);
  return name === "" ? "machine" : name;
}

function readKey(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw usage(`cannot read the public key ${path}: ${messageOf(cause)}`, "ssh-keygen -t ed25519 makes a key pair", cause);
  }
}

function usage(message: string, hint: string, cause?: unknown): AshlarError<CliErrorCode> {
  return new AshlarError("E_CLI_USAGE", message, { hint, cause, exitCode: 2 });
}
