/** Takes what somebody changed on a machine into the config it was built from. Nothing is written that was not proven first. */
import { readFileSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { loadSystem } from "#config/load.ts";
import type { ConfigChange } from "#config/patch/change.ts";
import { patchConfig } from "#config/patch/patch.ts";
import { findConfig } from "#config/project.ts";
import { planAdoption } from "#drift/adoption.ts";
import type { Adoption } from "#drift/adoption.ts";
import { unifiedDiff } from "#drift/diff.ts";
import type { DriftExport, ExportItem } from "#drift/export.ts";
import { AshlarError, hasErrno } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";
import { prove } from "./adopt-proof.ts";

export type AdoptErrorCode = "E_ADOPT_UNPROVEN" | "E_ADOPT_OTHER_SYSTEM" | "E_ADOPT_NOTHING";

export interface AdoptRequest {
  /** The config, or its folder. */
  readonly config: string;
  readonly drift: DriftExport;
  /** Says what would be written, and writes nothing. */
  readonly dryRun?: boolean;
  /** Takes from a machine of another name. */
  readonly otherSystem?: boolean;
}

export interface AdoptResult {
  readonly config: string;
  readonly adopted: readonly string[];
  /** Files that were (or would be) written, relative to the config's folder, the config first. */
  readonly written: readonly string[];
  /** Of the config's text; empty when only sources changed. */
  readonly diff: string;
  readonly dryRun: boolean;
}

/** More candidates than this for one change mean a config that only a person can read. */
const CANDIDATES_MAX = 24;

/**
 * Adopts all items of an export, or none of them.
 * @throws E_ADOPT_UNPROVEN with the reason of each try, E_ADOPT_OTHER_SYSTEM, E_ADOPT_NOTHING, E_DRIFT_CANNOT_ADOPT,
 * E_DRIFT_SECRET, and what loading the config throws
 */
export async function adoptDrift(request: AdoptRequest): Promise<AdoptResult> {
  const { drift } = request;
  const config = findConfig(request.config);
  const { system } = await loadSystem(config.path);
  if (drift.items.length === 0)
    throw new AshlarError<AdoptErrorCode>("E_ADOPT_NOTHING", "there is nothing to adopt", {
      hint: "`ashlar drift` on the machine lists what differs",
    });
  if (drift.name !== system.name && request.otherSystem !== true)
    throw new AshlarError<AdoptErrorCode>(
      "E_ADOPT_OTHER_SYSTEM",
      `the machine runs the system ${drift.name}, and ${config.path} describes ${system.name}`,
      {
        hint: "name the config of that machine, or say --other-system",
      },
    );
  const original = readFileSync(config.path, "utf8");
  let text = original;
  const written = new Map<string, Buffer>();
  const done: Adoption[] = [];
  let current = system;
  for (const item of drift.items) {
    const adoption = planAdoption(item, current);
    const sources = new Map([...adoption.sources].map(([path, content]) => [resolve(config.folder, path), content]));
    for (const [path, content] of sources) refuseOther(path, content, adoption);
    const reasons: string[] = [];
    let proven = false;
    // Where a source is declared, its new content may be all; and two findings can be about one option.
    const unchanged = sources.size > 0 || adoption.changes.length === 0 ? [text] : [];
    for (const candidate of [...unchanged, ...(await candidatesFor(text, adoption.changes, config.path))]) {
      const instead = new Map([...written, ...sources, [config.path, Buffer.from(candidate)]]);
      const adoptions = [...done, adoption];
      const outcome = await prove({ config: config.path, instead, before: system, adoptions, accounts: drift.accounts });
      if ("why" in outcome) {
        reasons.push(outcome.why);
        continue;
      }
      text = candidate;
      current = outcome.system;
      proven = true;
      break;
    }
    if (!proven) throw unproven(item, config.path, reasons);
    for (const [path, content] of sources) written.set(path, content);
    done.push(adoption);
  }
  const diff = unifiedDiff(original, text, { before: "before", after: "after" });
  if (request.dryRun !== true) {
    for (const [path, content] of written) writeFileAtomic(path, content, { mode: modeOf(path) });
    // Last: until then the old config is whole, and new sources beside it mean nothing.
    if (text !== original) writeFileAtomic(config.path, text, { mode: modeOf(config.path) });
  }
  return {
    config: config.path,
    adopted: [...new Set(drift.items.map(({ name }) => name))],
    written: [...(text === original ? [] : [config.path]), ...written.keys()].map((path) => relative(config.folder, path)),
    diff,
    dryRun: request.dryRun === true,
  };
}

/** Every text that several changes, one after the other, may lead to. */
async function candidatesFor(text: string, changes: readonly ConfigChange[], path: string): Promise<string[]> {
  let texts = [text];
  for (const change of changes) {
    const next: string[] = [];
    for (const each of texts) next.push(...(await patchConfig(each, change, path)));
    texts = next.slice(0, CANDIDATES_MAX);
  }
  return texts.filter((each) => each !== text);
}

/** A file of this name that no option names belongs to somebody. */
function refuseOther(path: string, content: Buffer, { item, changes }: Adoption): void {
  const isNew = changes.some((change) => change.kind === "set" && JSON.stringify(change.value).includes('"source":"files/'));
  let there: Buffer;
  try {
    there = readFileSync(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return;
    throw error;
  }
  if (isNew && !there.equals(content))
    throw new AshlarError<AdoptErrorCode>("E_ADOPT_UNPROVEN", `${item.name} would be written to ${path}, where another file is`, {
      hint: "move that file away, or name it as the source of this path in the config",
    });
}

function unproven({ name }: ExportItem, config: string, reasons: readonly string[]): AshlarError<AdoptErrorCode> {
  const none = "its text has no place where that could be written: what a program works out, only a person can change";
  const tried = reasons.length === 0 ? [none] : [...new Set(reasons)].slice(0, 5);
  return new AshlarError(
    "E_ADOPT_UNPROVEN",
    `no change of ${config} gives ${name} as it is on the machine; nothing was written:\n  ${tried.join("\n  ")}`,
    {
      hint: "write the option yourself; `ashlar check` says whether it is right",
    },
  );
}

function modeOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.mode ?? 0o644) & 0o777;
}
