/** Copies of data: those made before a service's first start under a newer version, and trees of an ephemeral /var. */
import { generationsOf } from "#deployment/generations.ts";
import { readRecords } from "#deployment/records.ts";
import { readTrials } from "#deployment/trials.ts";
import type { StateErrorCode } from "#state/errors.ts";
import { checkSchema } from "#state/schema-check.ts";
import type { SchemaOutcome } from "#state/schema-check.ts";
import { readSchemas } from "#state/schemas.ts";
import { listSnapshots } from "#state/snapshots.ts";
import { recoverPath, wipedTrees } from "#state/wiped.ts";
import { AshlarError } from "#errors";
import { formatBytes } from "#report/format.ts";
import { table } from "#report/table.ts";
import { systemOf } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

/**
 * `ashlar state check UNIT`, run before that service starts.
 * @throws E_STATE_SERVICE, E_STATE_TOO_NEW, E_STATE_SPACE
 */
export async function check(context: AgentContext, unit: string): Promise<AgentResult> {
  const { machine, loader } = context;
  const { schemas } = systemOf(machine).state;
  const schema = Object.hasOwn(schemas, unit) ? schemas[unit] : undefined;
  if (schema === undefined)
    throw new AshlarError<StateErrorCode>("E_STATE_SERVICE", `the config names no version of the data of ${unit}`, {
      hint: `it has: ${Object.keys(schemas).join(", ") || "none"}`,
    });
  const records = readRecords(machine.deployments);
  const generations = generationsOf(machine, records, loader.entries());
  const failed = new Set([
    ...generations.flatMap(({ number, state }) => (state?.is === "bad" || state?.is === "trying" ? [number] : [])),
    ...records.past.flatMap(({ deployment, why }) => (why === "failed" ? [deployment.number] : [])),
    ...readTrials(machine).trials.denied.map(({ generation }) => generation),
  ]);
  const outcome = await checkSchema(unit, schema, {
    machine,
    generation: generations.find(({ booted }) => booted)?.number ?? machine.booted?.generation ?? 0,
    // One that is gone was good, unless something remembers that it failed: it was collected as others are.
    wasGood: (number) => !failed.has(number),
    now: context.now(),
  });
  return { json: { unit, version: schema.version, ...outcome }, text: textOf(unit, schema.version, outcome) };
}

/** `ashlar state snapshots` */
export async function snapshots(context: AgentContext): Promise<AgentResult> {
  const found = listSnapshots(context.machine);
  const versions = readSchemas(context.machine);
  const rows = found.map((item) => [
    item.unit,
    String(item.number),
    String(item.schema),
    date(item.created),
    formatBytes(item.bytes),
    item.kind === "older" ? `generations before ${item.generation}` : `generation ${item.generation} and later`,
  ]);
  const columns = [
    { title: "SERVICE", shrink: true },
    { title: "NUMBER", align: "right" as const },
    { title: "VERSION", align: "right" as const },
    { title: "MADE" },
    { title: "SIZE", align: "right" as const },
    { title: "FOR" },
  ];
  const lines = [
    ...Object.entries(versions).map(([unit, { version, generation }]) => `${unit}: version ${version} since generation ${generation}`),
    rows.length === 0 ? "There are no copies of services' data." : table(rows, columns, Math.min(context.columns, 80)),
  ];
  return { json: { versions, snapshots: found }, text: lines.join("\n") };
}

/** `ashlar state recover [N] [PATH]`. @throws E_STATE_NONE, E_STATE_EXISTS, E_STATE_PATH, E_STATE_SPACE */
export async function recover(context: AgentContext, request: { readonly number?: number; readonly path?: string }): Promise<AgentResult> {
  const { machine } = context;
  const trees = wipedTrees(machine);
  if (request.path !== undefined) {
    const tree = await recoverPath(machine, request.path, request.number);
    return {
      json: { path: request.path, tree: tree.number },
      text: `${request.path} is back, as it was at ${date(tree.at)} UTC (tree ${tree.number}).`,
    };
  }
  const chosen = trees.filter(({ number }) => request.number === undefined || number === request.number);
  const text =
    chosen.length === 0
      ? "No tree of /var was wiped, or none is kept."
      : [
          table(
            chosen.map((tree) => [String(tree.number), date(tree.at), tree.path]),
            [{ title: "NUMBER", align: "right" }, { title: "WIPED" }, { title: "LOOK AT" }],
          ),
          "",
          "`ashlar state recover N PATH` copies a path of one back.",
        ].join("\n");
  return { json: { trees: chosen }, text };
}

function textOf(unit: string, version: number, outcome: SchemaOutcome): string {
  switch (outcome.outcome) {
    case "same":
    case "first":
    case "accepted":
      return `${unit} starts with data of version ${version}.`;
    case "raised":
      return `${unit}: data of version ${outcome.from} becomes version ${version}; no copy was made, as the config says.`;
    case "snapshotted":
      return `${unit}: data of version ${outcome.from} becomes version ${version}; copy ${outcome.snapshot} of it (${formatBytes(outcome.bytes)}) is for a rollback.`;
    case "restored":
      return `${unit}: the copy ${outcome.snapshot} of version ${version} is back (${outcome.because}); the data of version ${outcome.from} is set aside.`;
    default:
      return outcome satisfies never;
  }
}

function date(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
}
