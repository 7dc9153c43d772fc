/** Where drift to adopt comes from: a machine, by the system's own ssh client, or a file that `ashlar drift export` wrote. */
import { existsSync, readFileSync } from "node:fs";
import { parseExport } from "#drift/export.ts";
import type { DriftExport } from "#drift/export.ts";
import { isNamed } from "#drift/finding.ts";
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";

export type AdoptSourceErrorCode = "E_ADOPT_SOURCE" | "E_ADOPT_SSH" | "E_ADOPT_NAMES";

export interface DriftSource {
  /** `user@host`, `user@host:port`, or a file. */
  readonly from: string;
  /** What to take of it; of a file everything when empty. */
  readonly names: readonly string[];
  /** Contents that may be secret, too. */
  readonly secrets: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** @throws E_ADOPT_SOURCE, E_ADOPT_SSH with what the machine said, E_ADOPT_NAMES, E_DRIFT_EXPORT_FORMAT */
export async function readDrift(source: DriftSource): Promise<DriftExport> {
  const { from, names } = source;
  if (existsSync(from)) return only(parseExport(readFileSync(from, "utf8"), from), source);
  const [, user, host, port] = /^(\w[\w.-]*)@([\w.:-]+?|\[[\da-fA-F:]+\])(?::(\d{1,5}))?$/.exec(from) ?? [];
  if (user === undefined || host === undefined)
    throw new AshlarError<AdoptSourceErrorCode>("E_ADOPT_SOURCE", `${from} is neither a file nor user@machine`, {
      hint: "ashlar adopt --from root@machine PATH…, or --from FILE made by `ashlar drift export` there",
    });
  if (names.length === 0)
    throw new AshlarError<AdoptSourceErrorCode>("E_ADOPT_NAMES", "what to adopt is not named", {
      hint: `ssh ${user}@${host} sudo ashlar drift lists what differs`,
      exitCode: 2,
    });
  return parseExport(await bySsh({ user, host: host.replaceAll(/[[\]]/g, ""), port }, source), from);
}

interface Address {
  readonly user: string;
  readonly host: string;
  readonly port: string | undefined;
}

/** The person's own ssh with its config, agent and known hosts; it asks on the terminal for what it needs. */
async function bySsh({ user, host, port }: Address, { names, secrets, env }: DriftSource): Promise<string> {
  const [program = "ssh", ...own] = (env["ASHLAR_SSH"] ?? "ssh").split(" ").filter((word) => word !== "");
  const remote = [
    ...(user === "root" ? [] : ["sudo", "-n"]),
    "ashlar",
    "drift",
    "export",
    "--json",
    ...(secrets ? ["--secrets"] : []),
    ...names.map((name) => `'${name.replaceAll("'", String.raw`'\''`)}'`),
  ];
  const args = [...own, ...(port === undefined ? [] : ["-p", port]), `${user}@${host}`, remote.join(" ")];
  const { exitCode, stdout, stderr } = await exec(program, args, { env: env as Record<string, string>, allowFailure: true });
  if (exitCode === 0) return stdout.toString();
  const said = refusal(stderr);
  throw new AshlarError<AdoptSourceErrorCode>(
    "E_ADOPT_SSH",
    `${user}@${host} ${exitCode === 255 ? "cannot be reached" : "refused"}: ${said}`,
    {
      hint: exitCode === 255 ? `try: ssh ${user}@${host} true` : `on the machine: sudo ashlar drift`,
      details: { exitCode, stderr },
    },
  );
}

/** The machine's own error says it in JSON. */
function refusal(stderr: string): string {
  const line = stderr.trim().split("\n").at(-1) ?? "";
  try {
    const { error } = JSON.parse(line) as { readonly error?: { readonly message?: string } };
    return error?.message ?? line;
  } catch (error) {
    if (error instanceof SyntaxError) return line === "" ? "it said nothing" : line;
    throw error;
  }
}

function only(drift: DriftExport, { names, from }: DriftSource): DriftExport {
  if (names.length === 0) return drift;
  const isWanted = (item: DriftExport["items"][number], name: string): boolean => isNamed({ what: [], ...item }, name);
  for (const name of names)
    if (!drift.items.some((item) => isWanted(item, name)))
      throw new AshlarError<AdoptSourceErrorCode>("E_ADOPT_NAMES", `${name} is not in ${from}`, {
        hint: `it has: ${drift.items.map((item) => item.name).join(", ")}`,
      });
  return { ...drift, items: drift.items.filter((item) => names.some((name) => isWanted(item, name))) };
}
