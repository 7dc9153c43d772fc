/** `ashlar layer add|remove|list`: packages and folders of this machine's own, on top of the released image. */
import { constants } from "node:fs";
import { layerNames } from "#deployment/layers.ts";
import type { LayerSet } from "#deployment/layers.ts";
import { locked } from "#deployment/lock.ts";
import type { StageResult } from "#deployment/stage.ts";
import { AshlarError } from "#errors";
import { table } from "#report/table.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { mayAccess } from "#sys/if-there.ts";
import { isEmpty, withMembers, withoutMembers } from "../../pipeline/layers/set.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { settleTrials } from "../health/judge.ts";
import { readMembers } from "../layer-members.ts";
import { stageLayered } from "../layer-stage.ts";
import { deriveLayers, headOf, lockOf, wantedOf } from "../layers.ts";
import type { Layered } from "../layers.ts";

export type LayerCommandErrorCode = "E_LAYER_UNKNOWN" | "E_LAYER_NO_GENERATION";

/** This image failed its trial here before. */
const EXIT_REFUSED = 3;

/** `ashlar layer add PACKAGE…|FILE.deb…|FOLDER…` */
export async function add(context: AgentContext, members: readonly string[]): Promise<AgentResult> {
  return change(context, "layer add", async (set, store) => withMembers(set, await readMembers(members, store)));
}

/** `ashlar layer remove NAME…` @throws E_LAYER_UNKNOWN */
export async function remove(context: AgentContext, names: readonly string[]): Promise<AgentResult> {
  return change(context, "layer remove", async (set) => {
    const have = layerNames(set);
    const unknown = names.find((name) => !have.includes(name));
    if (unknown !== undefined)
      throw new AshlarError<LayerCommandErrorCode>(
        "E_LAYER_UNKNOWN",
        `${unknown} is no layer of this machine; there ${have.length === 0 ? "are none" : `are: ${have.join(", ")}`}`,
        { hint: "ashlar layer list", details: { name: unknown, layers: have } },
      );
    return withoutMembers(set, new Set(names));
  });
}

/** `ashlar layer list` */
export async function list(context: AgentContext): Promise<AgentResult> {
  const head = headOf(context);
  const set = wantedOf(head);
  const running = context.machine.running?.digest ?? context.machine.booted?.digest;
  const inUse = head !== undefined && head.image.digest === running;
  const out = new Map(head?.layers?.quarantined.map(({ layer, why }) => [layer, why]));
  const versions = await versionsOf(context, head?.layers?.lock);
  const kinds: [string, readonly string[]][] = [
    ["package", set.packages],
    ["file", set.debs.map(({ name }) => name)],
    ["folder", set.folders.map(({ name }) => name)],
  ];
  const layers = kinds.flatMap(([kind, names]) =>
    names.map((name) => {
      const why = out.get(name);
      const version =
        kind === "folder" || why !== undefined || versions === undefined ? undefined : (versions.get(name) ?? "part of the base");
      return {
        name,
        kind,
        ...(version === undefined ? {} : { version }),
        state: why !== undefined ? "left out" : inUse ? "in use" : "next start",
        ...(why === undefined ? {} : { why }),
      };
    }),
  );
  const json = {
    layers,
    generation: head?.number ?? null,
    image: head?.image.digest ?? null,
    base: head?.layers?.base.digest ?? head?.image.digest ?? null,
  };
  if (layers.length === 0)
    return { json, text: "No layers: the next generation is what was released. `ashlar layer add PACKAGE` adds one." };
  const rows = layers.map(({ name, kind, version, state }) => [name, kind, version ?? "", state]);
  const text = table(
    rows,
    [{ title: "NAME", shrink: true }, { title: "KIND" }, { title: "VERSION", shrink: true }, { title: "STATE" }],
    Math.min(context.columns, 80),
  );
  return { json, text: [text, ...layers.flatMap(({ name, why }) => (why === undefined ? [] : [`left out: ${name}: ${why}`]))].join("\n") };
}

/** Versions of a lock's packages by name; undefined for a person who may not look into the store. */
async function versionsOf(context: AgentContext, lock: ObjectId | undefined): Promise<ReadonlyMap<string, string> | undefined> {
  if (lock === undefined) return new Map();
  if (!mayAccess(context.machine.store, constants.R_OK | constants.X_OK)) return undefined;
  return withStore(context, async (store) => new Map(lockOf(lock, store).packages.map(({ name, version }) => [name, version])));
}

/** Makes the set that `edit` gives the next generation. */
async function change(
  context: AgentContext,
  command: string,
  edit: (set: LayerSet, store: Store) => Promise<LayerSet>,
): Promise<AgentResult> {
  return locked(context, command, () =>
    withStore(context, async (store) => {
      await settleTrials(context);
      const head = headOf(context);
      if (head === undefined)
        throw new AshlarError<LayerCommandErrorCode>("E_LAYER_NO_GENERATION", "this machine has no generation to put layers on", {
          hint: "ashlar status",
        });
      const before = head.layers;
      const set = await edit(wantedOf(head), store);
      const base = before?.base ?? head.image;
      const mayStayOut = new Set(before?.quarantined.map(({ layer }) => layer));
      const request = { base, set, mayStayOut, ...(before === undefined ? {} : { before }) };
      const layered = await deriveLayers(request, store, context).catch((error: unknown) => {
        throw withOwnHint(error);
      });
      const { origin, sequence, unsigned } = head;
      const from = { origin, ...(sequence === undefined ? {} : { sequence }), ...(unsigned === undefined ? {} : { unsigned }) };
      const result = await stageLayered(layered, from, store, context);
      return present(result, set, layered);
    }),
  );
}

/** What helps on a machine, where a build host's advice does not. */
const HINTS: Readonly<Record<string, string>> = {
  E_LOCK_UNKNOWN_PACKAGE: "give the name as the archive has it; nothing was changed",
  E_LOCK_UNSATISFIABLE:
    "leave one of these packages out, or put it into `packages` of the config, where the base can move with it; nothing was changed",
  E_MIRROR_UNKNOWN: "set ASHLAR_MIRROR for this command, or `updates.mirror` in the config; nothing was changed",
  E_TREE_SCRIPT_FAILED: "the package does not install on this system; nothing was changed",
};

function withOwnHint(error: unknown): unknown {
  const hint = error instanceof AshlarError ? HINTS[error.code] : undefined;
  if (!(error instanceof AshlarError) || hint === undefined) return error;
  return new AshlarError(error.code, error.message, { hint, cause: error.cause, details: error.details, exitCode: error.exitCode });
}

function present(result: StageResult, set: LayerSet, { image, layers }: Layered): AgentResult {
  const names = layerNames(set);
  const out = layers?.quarantined ?? [];
  const what = isEmpty(set) ? "the base without layers" : `the base with ${names.join(", ")}`;
  const text = {
    staged: `Generation ${result.generation} is ready: ${what}. It starts at the next reboot.`,
    activated: `Generation ${result.generation} is ${what}, and on this machine already. It starts at the next reboot.`,
    current: `Generation ${result.generation}, which starts next, is ${what}: nothing to do.`,
    refused: `${what[0]?.toUpperCase()}${what.slice(1)} failed its trial as generation ${result.generation} and was not staged again.`,
  }[result.outcome];
  const json = { ...result, digest: image.digest, layers: names, quarantined: out };
  const left = out.map(({ layer, why }) => `left out: ${layer}: ${why}`);
  return { json, text: [text, ...left].join("\n"), ...(result.outcome === "refused" ? { exitCode: EXIT_REFUSED } : {}) };
}
