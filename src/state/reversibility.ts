/**
 * Whether the way back from one System to another is open:
 *
 *   reversible                       a rollback changes no data
 *   reversible-until-first-write     a copy of the data is made before the first start; a rollback puts it back and loses what was written since
 *   one-way                          the new System changes data that nobody copies
 */
import type { System } from "#config/system.ts";
import type { Machine } from "#deployment/machine.ts";
import { readSchemas } from "./schemas.ts";

export type Reversibility = "reversible" | "reversible-until-first-write" | "one-way";

export interface ReversibilityReport {
  readonly reversibility: Reversibility;
  /** One sentence each, for a plan; empty when nothing stands in the way. */
  readonly reasons: readonly string[];
}

const RANK: readonly Reversibility[] = ["reversible", "reversible-until-first-write", "one-way"];

/**
 * @param from the System that runs
 * @param to the one that would
 * @param machine where the versions that services wrote last are looked up; without one `from` alone decides
 * @throws E_STATE_UNREADABLE
 */
export function reversibility(from: System, to: System, machine?: Pick<Machine, "sysroot">): ReversibilityReport {
  const ran = machine === undefined ? {} : readSchemas(machine);
  const found: { kind: Reversibility; reason: string }[] = [];
  for (const [unit, { version, snapshot }] of Object.entries(to.state.schemas)) {
    const before = ran[unit]?.version ?? from.state.schemas[unit]?.version;
    if (before === version) continue;
    if (before !== undefined && before > version)
      found.push({ kind: "one-way", reason: `${unit}: its data has version ${before}, and version ${version} cannot read it` });
    else if (snapshot) {
      const what = before === undefined ? "gets a version for the first time" : `goes from version ${before} to ${version}`;
      found.push({ kind: "reversible-until-first-write", reason: `${unit}: its data ${what} and is copied before the first start` });
    } else
      found.push({
        kind: "one-way",
        reason: `${unit}: its data goes from version ${before ?? 0} to ${version}, and no copy is made (snapshot: false)`,
      });
  }
  if (from.state.varMode === "persistent" && to.state.varMode === "ephemeral")
    found.push(
      to.state.wiped === 0
        ? { kind: "one-way", reason: "/var begins anew at the first start, and nothing of it is kept (state.wiped: 0)" }
        : {
            kind: "reversible-until-first-write",
            reason: "/var begins anew at the first start; `ashlar state recover` brings back what it had",
          },
    );
  if (from.state.etcMode === "persistent" && to.state.etcMode !== "persistent")
    found.push({ kind: "reversible", reason: "changes below /etc are no longer seen; they stay in /state/etc-overlay" });
  const worst = Math.max(0, ...found.map(({ kind }) => RANK.indexOf(kind)));
  return { reversibility: RANK[worst] ?? "one-way", reasons: found.map(({ reason }) => reason) };
}
