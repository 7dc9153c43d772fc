import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { driftOf } from "#deployment/drift.ts";
import type { Drift } from "#deployment/drift.ts";
import { AshlarError } from "#errors";
import { readImage } from "#formats/erofs/reader.ts";
import { table } from "#report/table.ts";
import { systemOf, withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

export type DriftErrorCode = "E_DRIFT_NOT_BOOTED" | "E_DRIFT_NOT_ROOT";

/** Where the initrd puts the upper layer of /etc: in memory, or in /state when `etcMode` is persistent. */
const UPPER = {
  ephemeral: "run/ashlar/etc/upper",
  persistent: "sysroot/state/etc-overlay/upper",
  readonly: "run/ashlar/etc/upper",
} as const;

/**
 * `ashlar drift`: what was changed by hand under /etc.
 * @throws E_DRIFT_NOT_BOOTED, E_DRIFT_NOT_ROOT
 */
export async function drift(context: AgentContext): Promise<AgentResult> {
  const { machine } = context;
  if (machine.booted === undefined)
    throw new AshlarError<DriftErrorCode>("E_DRIFT_NOT_BOOTED", "this computer does not run a generation of Ashlar", {
      hint: "run it on a machine made by `ashlar disk`",
    });
  if (process.getuid?.() !== 0)
    throw new AshlarError<DriftErrorCode>("E_DRIFT_NOT_ROOT", "changes under /etc can be read only by root", { hint: "sudo ashlar drift" });
  const { state, files, links } = systemOf(machine);
  const upper = join(machine.root, UPPER[state.etcMode]);
  const { digest } = machine.booted;
  const nodes = await withStore(context, async (store) =>
    readImage(readFileSync(store.pathOf(digest))).filter((entry) => entry.hardlink === undefined),
  );
  const found = existsSync(upper) ? driftOf(upper, nodes, state.etc) : [];
  const declared = new Set([...Object.keys(files), ...Object.keys(links)]);
  const described = found.map((item) => ({ ...item, declared: declared.has(item.path) }));
  return { json: { etcMode: state.etcMode, drift: described }, text: textOf(described, state.etcMode, context.columns), exitCode: 0 };
}

function textOf(found: readonly (Drift & { readonly declared: boolean })[], etcMode: string, columns: number): string {
  if (found.length === 0) return "Nothing differs: /etc is what the image says.";
  const rows = found.map((item) => [
    item.change,
    item.path,
    [...item.what, ...(item.declared ? ["declared in the config"] : [])].join(", "),
  ]);
  const lasts = etcMode === "persistent" ? "They stay, also in other generations." : "They last until the next start.";
  return [
    table(rows, [{ title: "CHANGE" }, { title: "PATH", shrink: true }, { title: "WHAT" }], Math.min(columns, 80)),
    "",
    `${found.length} ${found.length === 1 ? "change" : "changes"} by hand. ${lasts} To keep one, put it into the config.`,
  ].join("\n");
}
