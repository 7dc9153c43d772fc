/** Who signs what a command publishes: a folder of keys, or, said loudly, nobody. */
import { resolve } from "node:path";
import { AshlarError } from "#errors";
import { CHANNEL_NAME } from "#formats/channel.ts";
import type { Signing } from "#registry/trust/signatures.ts";
import type { KeyRing } from "#registry/trust/ring.ts";
import type { CommandRun } from "./context.ts";

export type SigningFlags = {
  readonly keys?: string;
  readonly channel?: string;
  readonly barrier: boolean;
  readonly unsafeUnsigned: boolean;
};

export const signingFlags = {
  keys: {
    kind: "parsed",
    parse: String,
    brief: "Folder of keys to sign with (ashlar keys init makes one)",
    placeholder: "DIR",
    optional: true,
  },
  channel: {
    kind: "parsed",
    parse: parseChannel,
    brief: "Machines of which channel take it (default: stable)",
    placeholder: "NAME",
    optional: true,
  },
  barrier: { kind: "boolean", brief: "Machines with older releases have to run this one before any newer one", default: false },
  unsafeUnsigned: { kind: "boolean", brief: "Sign nothing: only machines that are told --unsafe-unsigned take it", default: false },
} as const;

/** The keys in a folder; their passphrase is asked for when one of them has one. @throws E_KEYS_* */
export async function openKeys(folder: string, context: Pick<CommandRun, "env" | "interactive">): Promise<KeyRing> {
  const { openRing } = await import("#registry/trust/ring.ts");
  const closed = openRing(folder, () => "");
  if (closed.keys.every(({ file }) => file.kdf === undefined)) return closed;
  const { readPassphrase } = await import("./passphrase.ts");
  const passphrase = await readPassphrase(context);
  return { ...closed, passphrase: () => passphrase };
}

/** Undefined when neither is given. @throws E_CLI_USAGE, E_KEYS_* */
export async function signingOf(
  { keys, unsafeUnsigned, channel, barrier }: SigningFlags,
  context: CommandRun,
): Promise<Release | undefined> {
  if (keys !== undefined && unsafeUnsigned) throw usage("--keys and --unsafe-unsigned exclude each other");
  if (keys === undefined && !unsafeUnsigned) return undefined;
  const signing: Signing = keys === undefined ? "unsafe-unsigned" : await openKeys(resolve(context.cwd, keys), context);
  return { signing, ...(channel === undefined ? {} : { channel }), barrier };
}

interface Release {
  readonly signing: Signing;
  readonly channel?: string;
  readonly barrier: boolean;
}

export function usage(message: string): AshlarError<"E_USAGE"> {
  return new AshlarError("E_USAGE", message, { hint: "--help says what the command takes", exitCode: 2 });
}

/** @throws SyntaxError */
function parseChannel(text: string): string {
  if (!CHANNEL_NAME.test(text))
    throw new SyntaxError(`${JSON.stringify(text)} is no name of a channel: lower-case letters, digits and . _ -`);
  return text;
}
