/** `ashlar rollback --only PART…`: a new generation from the one that runs and parts of an older one. */
import { inputOf } from "#compose/input.ts";
import { compose } from "#compose/compose.ts";
import type { Composition } from "#compose/compose.ts";
import type { ComposeErrorCode } from "#compose/errors.ts";
import { openRoot } from "#compose/root.ts";
import type { System } from "#config/system.ts";
import { generationsOf } from "#deployment/generations.ts";
import type { Generation } from "#deployment/generations.ts";
import { locked } from "#deployment/lock.ts";
import { readAllRecords } from "#deployment/records.ts";
import { generationNumberOf } from "#deployment/running.ts";
import { stage } from "#deployment/stage.ts";
import type { StageResult } from "#deployment/stage.ts";
import { AshlarError } from "#errors";
import { toText } from "#formats/bytes.ts";
import type { Fetched } from "#registry/fetch-objects.ts";
import type { ReleaseObject } from "#registry/release.ts";
import { formatCount } from "#report/format.ts";
import { prepareReturn } from "#state/rollback.ts";
import type { StateChoice } from "#state/rollback.ts";
import type { Store } from "#store/store.ts";
import { exec } from "#sys/exec.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

export interface ComposeOptions {
  readonly parts: readonly string[];
  /** The generation that the parts come from; the newest good one besides the one that runs when absent. */
  readonly from?: number;
  readonly dryRun?: boolean;
  readonly reboot?: boolean;
  /** What becomes of a service's data that is too new for the version that goes back. */
  readonly state?: StateChoice;
}

/** The composed image failed its trial before. */
const EXIT_REFUSED = 3;
const SHOWN_FILES = 20;

/**
 * Composes, stages and makes it the next to start; it is on trial as any other generation.
 * @throws E_COMPOSE_*, E_STATE_TOO_NEW, E_STATE_NONE, E_STAGE_*, E_ESP_FULL; nothing is changed then
 */
export async function composeGeneration(context: AgentContext, options: ComposeOptions): Promise<AgentResult> {
  const { machine, report } = context;
  return locked(context, "rollback", () =>
    withStore(context, async (store) => {
      const { newer, older } = chosen(context, options.from);
      const problemsOf = await configChecker();
      const composition = await report.step(`compose generations ${newer.number} and ${older.number}`, async (step) => {
        const roots = { newer: openRoot(newer.deployment.image, store), older: openRoot(older.deployment.image, store) };
        const composed = compose({ ...roots, parts: options.parts, problemsOf });
        step.detail(`${composed.image.digest.slice(0, 12)}, ${formatCount(composed.files.length, "file")} differ`);
        return composed;
      });
      if (options.dryRun !== true) prepareReturn(machine, composition.system, options.state);
      const result =
        options.dryRun === true ? undefined : await stageComposed(context, store, { newer, older, composition, parts: options.parts });
      const reboot = options.reboot === true && (result?.outcome === "staged" || result?.outcome === "activated");
      if (reboot) await exec("systemctl", ["reboot"]);
      return present({ newer, older, composition, result, reboot });
    }),
  );
}

/** This generation is the one that runs: what a person sees, and what has proved itself. */
function chosen({ machine, loader }: AgentContext, from: number | undefined): { readonly newer: Generation; readonly older: Generation } {
  const entries = loader.entries();
  const records = readAllRecords(machine.deployments);
  const generations = generationsOf(machine, records, entries);
  const running = generationNumberOf(machine.running, records);
  const newer = generations.find(({ number }) => number === running);
  if (newer === undefined)
    throw new AshlarError<ComposeErrorCode>(
      "E_COMPOSE_ABSENT",
      "no generation of this machine runs, so there is none to change a part of",
      {
        hint: "run it on a machine made by `ashlar disk`",
      },
    );
  const others = generations.filter(({ deployment }) => deployment.image.digest !== newer.deployment.image.digest);
  const good = others.filter(({ trial }) => trial === "good").sort((a, b) => (b.entry?.activation ?? 0) - (a.entry?.activation ?? 0));
  const older = from === undefined ? good[0] : others.find(({ number }) => number === from);
  if (older !== undefined) return { newer, older };
  const what = from === undefined ? "this machine has no other good generation" : `generation ${from} is not another one of this machine`;
  throw new AshlarError<ComposeErrorCode>("E_COMPOSE_ABSENT", `${what}, so there is nothing to take a part from`, {
    hint: "`ashlar generations` lists those there are; nothing was changed",
    details: { from },
  });
}

/** The schema and the rules between options, as on a build host. Loaded here: no other command of the machine needs them. */
async function configChecker(): Promise<(system: System, textOf: (path: string) => string | undefined) => string[]> {
  const [{ validate }, { complete, writeOut }, { check }, { formatPath }] = await Promise.all([
    import("#config/validate.ts"),
    import("#config/complete.ts"),
    import("#config/check.ts"),
    import("#config/option-path.ts"),
  ]);
  return (system, textOf) => {
    const valid = validate(inputOf(system, textOf));
    // Completed anew: an image of an older Ashlar lacks the options that came later.
    const problems =
      "problems" in valid ? valid.problems : check(complete(writeOut(valid.system), system.files, { debs: [], folders: [] }));
    return problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
  };
}

interface Composed {
  readonly newer: Generation;
  readonly older: Generation;
  readonly composition: Composition;
}

function stageComposed(
  context: AgentContext,
  store: Store,
  { newer, older, composition, parts }: Composed & { readonly parts: readonly string[] },
): Promise<StageResult> {
  const { machine, loader, report } = context;
  const { image, contents } = composition;
  const { origin, sequence, layers, unsigned } = newer.deployment;
  const kernel = image.kernel === undefined ? [] : [image.kernel.linux, image.kernel.initrd];
  const objects: ReleaseObject[] = [
    ...[...composition.objects].map(([object, size]) => ({ object, size })),
    ...kernel.map((object) => ({ object, size: store.read(object).length })),
  ];
  // Nothing is fetched: what neither image has was made here.
  const bring = async (): Promise<Fetched> => {
    const made = [...contents].filter(([object]) => !store.has(object));
    for (const [, content] of made) store.add(content);
    return { objects: made.length, bytes: made.reduce((sum, [, { length }]) => sum + length, 0), wire: 0 };
  };
  const composedFrom = { base: newer.deployment.image.digest, from: older.deployment.image.digest, parts: [...new Set(parts)].sort() };
  return stage(
    {
      image,
      objects,
      origin,
      ...(sequence === undefined ? {} : { sequence }),
      ...(unsigned === undefined ? {} : { unsigned }),
      ...(layers === undefined ? {} : { layers }),
      composedFrom,
      now: context.now(),
      bring,
    },
    { machine, loader, store, report },
  );
}

function present({
  newer,
  older,
  composition,
  result,
  reboot,
}: Composed & { readonly result: StageResult | undefined; readonly reboot: boolean }): AgentResult {
  const { packages, options } = composition;
  const files = composition.files.map(toText);
  const json = {
    ...(result ?? { outcome: "dry-run" }),
    digest: composition.image.digest,
    base: newer.number,
    from: older.number,
    packages,
    options,
    files,
    reboot,
  };
  const restart = reboot ? "The machine restarts." : "It starts at the next reboot, on trial.";
  const said = {
    "dry-run": () =>
      `Generation ${newer.number} with that of generation ${older.number} would be image ${composition.image.digest.slice(0, 12)}; nothing was changed.`,
    staged: () =>
      `Generation ${result?.generation} is ready: generation ${newer.number} with that of generation ${older.number}. ${restart}`,
    activated: () => `Generation ${result?.generation} is that already. ${restart}`,
    current: () => `Generation ${result?.generation} is that already, and the next to start: nothing to do.`,
    refused: () => `This composition failed its trial as generation ${result?.generation}; it was not staged again.`,
  }[result?.outcome ?? "dry-run"]();
  const lines = [
    ...packages.map(({ name, from, to }) => `  package ${name}: ${from ?? "not there"} → ${to ?? "not there"}`),
    ...options.map(({ option, from, to }) => `  option ${option}: ${short(from)} → ${short(to)}`),
    ...files.slice(0, SHOWN_FILES).map((path) => `  file ${path}`),
    ...(files.length > SHOWN_FILES ? [`  … and ${files.length - SHOWN_FILES} more files (--json lists all)`] : []),
  ];
  return { json, text: [said, ...lines].join("\n"), ...(result?.outcome === "refused" ? { exitCode: EXIT_REFUSED } : {}) };
}

function short(value: unknown): string {
  const text = value === null ? "not there" : typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
