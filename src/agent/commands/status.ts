import { statusOf } from "#deployment/status.ts";
import type { GenerationStatus, MachineStatus } from "#deployment/status.ts";
import { openSession } from "#drift/session.ts";
import { formatBytes, formatCount, formatDuration } from "#report/format.ts";
import { table } from "#report/table.ts";
import { systemOf } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { followedSource } from "../updates/followed.ts";
import { describeRelease, readLastLook } from "../updates/last-look.ts";
import type { LastLook } from "../updates/last-look.ts";

/** `ashlar status` */
export async function status(context: AgentContext): Promise<AgentResult> {
  const { name } = systemOf(context.machine);
  const found = statusOf(context.machine, context.loader);
  const edited = found.booted === undefined ? undefined : openSession(context.machine.root);
  const updates = seenUpdates(context);
  const lines = [
    `${name}: ${running(found)}; ${starting(found)}`,
    "",
    generationTable(found.generations, context),
    "",
    ...found.space.map(({ path, size, free }) => `${path}: ${formatBytes(free)} of ${formatBytes(size)} free`),
    ...(found.degraded === undefined ? [] : [`degraded: ${found.degraded}`]),
    ...updateLines(updates, found.generations, context.now()),
    ...found.problems.map((problem) => `problem: ${problem}`),
    ...(edited === undefined ? [] : [`An edit session of ${edited.by} lies over /usr until the next start: sudo ashlar drift`]),
    ...(found.complete ? [] : ["Boot entries can be read only by root: sudo ashlar status"]),
  ];
  return { json: { name, ...found, updates, ...(edited === undefined ? {} : { edited }) }, text: lines.join("\n") };
}

/** `ashlar generations` */
export async function generations(context: AgentContext): Promise<AgentResult> {
  const found = statusOf(context.machine, context.loader);
  return { json: { generations: found.generations, complete: found.complete }, text: generationTable(found.generations, context) };
}

interface Updates {
  readonly look?: LastLook;
  readonly follows?: string;
}

function seenUpdates({ machine }: AgentContext): Updates {
  const look = readLastLook(machine);
  const follows = followedSource(machine);
  return { ...(look === undefined ? {} : { look }), ...(follows === undefined ? {} : { follows }) };
}

/** What the last look for a release found. Nothing is asked now: this works without a network. */
function updateLines({ look, follows }: Updates, generations: readonly GenerationStatus[], now: number): string[] {
  const ago = look === undefined ? "" : formatDuration(Math.max(0, now - look.when) * 1000);
  return [
    ...(follows === undefined ? [] : [`Upgrades come from ${follows} (\`ashlar switch --reset\`: from the config's source)`]),
    ...(look?.release === undefined
      ? []
      : [
          describeRelease(
            look.release,
            generations.findLast(({ digest, trial }) => digest === look.release?.image && trial !== "none")?.generation,
          ),
        ]),
    ...(look?.failure === undefined ? [] : [`The last look for a release failed: ${look.failure}`]),
    ...(look === undefined ? [] : [`Looked ${ago} ago.`]),
  ];
}

function running({ booted, running: seen, generations }: MachineStatus): string {
  if (booted === undefined) return "nothing of it runs";
  if (seen !== undefined && seen.digest !== booted.digest)
    return `runs ${numberOf(seen)}, which was applied to a start of ${numberOf(booted)}`;
  const item = generations.find((generation) => generation.booted);
  const trial = item === undefined ? "unknown" : trialOf(item);
  return `runs ${numberOf(booted)}${trial === "unknown" ? "" : ` (${trial})`}`;
}

function numberOf({ generation }: { readonly generation: number | undefined }): string {
  return generation === undefined ? "an unknown generation" : `generation ${generation}`;
}

function starting({ next, running: seen, complete }: MachineStatus): string {
  if (!complete) return "what starts next is not known";
  if (next === undefined) return "another system starts next";
  return next.generation === seen?.generation ? "starts it again" : `starts generation ${next.generation} next`;
}

function generationTable(list: readonly GenerationStatus[], { columns }: AgentContext): string {
  const rows = list
    .toReversed()
    .map((item) => [String(item.generation), item.digest.slice(0, 12), item.sequence?.toString() ?? "", date(item.created), stateOf(item)]);
  return table(
    rows,
    [
      { title: "NUMBER", align: "right" },
      { title: "IMAGE" },
      { title: "RELEASE", align: "right" },
      { title: "STAGED" },
      { title: "STATE", shrink: true },
    ],
    Math.min(columns, 80),
  );
}

function stateOf(item: GenerationStatus): string {
  const trial =
    item.trial === "trial" && !isLastTry(item)
      ? `${formatCount(item.triesLeft ?? 0, "try", "tries")} left`
      : item.trial === "none"
        ? "no boot entry"
        : trialOf(item);
  return [
    ...(item.trial === "unknown" ? [] : [trial]),
    ...(item.booted && !item.running ? ["started"] : []),
    ...(item.running ? ["running"] : []),
    ...(item.next ? ["next"] : []),
    ...(item.pinned ? ["pinned"] : []),
    ...(item.composedFrom === undefined ? [] : [`composed: ${item.composedFrom.parts.join(", ")}`]),
  ].join(", ");
}

/** While a generation runs on its last try it is not over yet: it may still be marked good. */
function trialOf(item: GenerationStatus): string {
  return isLastTry(item) ? "last try" : item.trial;
}

function isLastTry({ trial, triesLeft }: GenerationStatus): boolean {
  return trial === "trial" && triesLeft === 0;
}

function date(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
