/** `ashlar drift`: what differs from the generation that runs; and what is allowed to. */
import { readFileSync } from "node:fs";
import { allow as allowing, judge, parseDay, readAllowed, writeAllowed } from "#drift/allow.ts";
import type { Allowance, Judged } from "#drift/allow.ts";
import { unifiedDiff } from "#drift/diff.ts";
import type { DriftErrorCode } from "#drift/errors.ts";
import { isNamed } from "#drift/finding.ts";
import type { OwnedFinding } from "#drift/finding.ts";
import type { Facts } from "#drift/facts.ts";
import { isSecret } from "#drift/secret.ts";
import { AshlarError } from "#errors";
import { fromText } from "#formats/bytes.ts";
import { formatCount } from "#report/format.ts";
import { table } from "#report/table.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { findingsOf, gatherFacts } from "./drift-facts.ts";

export interface DriftOptions {
  /** Names or paths; everything when empty. */
  readonly names: readonly string[];
  readonly diff: boolean;
  /** Ends with 4 when something differs that nobody allowed. */
  readonly check: boolean;
}

const NAME_CELLS = 44;

export const EXIT_DRIFT = 4;

/**
 * `ashlar drift [NAME…]`
 * @throws E_DRIFT_NOT_BOOTED, E_DRIFT_NOT_ROOT, E_DRIFT_UNKNOWN, E_DRIFT_ALLOWED_FORMAT
 */
export async function drift(context: AgentContext, options: DriftOptions): Promise<AgentResult> {
  const gathered = await gatherFacts(context);
  const { facts, paths, digest } = gathered;
  const chosen = named(findingsOf(gathered), options.names);
  const judged = judge(chosen, readAllowed(paths.allowed), today(context));
  const diffs = options.diff ? chosen.flatMap((finding) => diffOf(finding, facts)) : [];
  const { etcMode } = facts.system.state;
  const session =
    facts.session === undefined ? undefined : { since: facts.session.since, by: facts.session.by, command: facts.session.command };
  return {
    json: {
      image: digest,
      etcMode,
      drift: judged.open,
      allowed: judged.allowed,
      expired: judged.expired,
      ...(session === undefined ? {} : { session }),
      ...(options.diff ? { diffs } : {}),
    },
    text: [textOf(judged, facts, context.columns), ...diffs.map(({ text }) => `\n${text}`)].join("\n"),
    exitCode: options.check && judged.open.length > 0 ? EXIT_DRIFT : 0,
  };
}

/**
 * `ashlar drift allow NAME --until DAY`, and `--remove` to take it back. What differs only later may be allowed, too.
 * @throws E_DRIFT_DATE
 */
export async function allow(
  context: AgentContext,
  name: string,
  options: { readonly until?: string; readonly because?: string; readonly remove: boolean },
): Promise<AgentResult> {
  const { facts, paths } = await gatherFacts(context);
  const before = readAllowed(paths.allowed);
  if (options.remove) {
    const left = before.filter((item) => item.name !== name);
    if (left.length === before.length) throw unknown(name, "nothing of this name is allowed");
    writeAllowed(paths.allowed, left);
    return { json: { name, allowed: false }, text: `${name} is no longer allowed to differ.` };
  }
  const until = parseDay(options.until ?? "", today(context));
  const because = options.because === undefined ? {} : { because: options.because };
  const allowance: Allowance = { name, until, ...because, since: context.now() };
  writeAllowed(paths.allowed, allowing(before, allowance));
  const matches = findingsOf({ facts, paths, digest: "" }).filter((finding) => isNamed(finding, name)).length;
  const now = matches === 0 ? "nothing of this name differs now" : `${formatCount(matches, "difference")} now`;
  return { json: { ...allowance, matches }, text: `${name} may differ until ${until} (${now}).` };
}

/**
 * The findings that the given names mean.
 * @throws E_DRIFT_UNKNOWN for a name that means none
 */
export function named(findings: readonly OwnedFinding[], names: readonly string[]): readonly OwnedFinding[] {
  if (names.length === 0) return findings;
  for (const name of names)
    if (!findings.some((finding) => isNamed(finding, name))) throw unknown(name, "it does not differ from the generation");
  return findings.filter((finding) => names.some((name) => isNamed(finding, name)));
}

export function today({ now }: AgentContext): string {
  return new Date(now() * 1000).toISOString().slice(0, 10);
}

function unknown(name: string, why: string): AshlarError<DriftErrorCode> {
  return new AshlarError("E_DRIFT_UNKNOWN", `${name}: ${why}`, { hint: "`ashlar drift` lists what differs", details: { name } });
}

interface Shown {
  readonly path: string;
  readonly text: string;
}

/** Only of texts, and of nothing that may be a secret in the image or on the machine. */
function diffOf(finding: OwnedFinding, { image, etc, session }: Facts): Shown[] {
  const path = finding.path ?? finding.name;
  if (!path.startsWith("/")) return [];
  const node = [...etc, ...(session?.changes ?? [])].find((each) => each.path === fromText(path));
  const original = image.node(fromText(path));
  if (isSecret(path, node?.mode ?? 0) || isSecret(path, original?.mode ?? 0))
    return [{ path, text: `${path}: may be a secret and is not shown` }];
  const runtime =
    path.startsWith("/run/") && finding.kind === "unit" && !finding.what.some((part) => / /.test(part) && /^(wants|requires)/.test(part));
  const now = node?.kind === "file" ? node.content() : runtime ? readFileSync(path) : Buffer.alloc(0);
  const before = original === undefined ? Buffer.alloc(0) : image.content(original);
  if ([now, before].some((bytes) => !bytes.toString().isWellFormed() || bytes.includes(0))) return [{ path, text: `${path}: is no text` }];
  const text = unifiedDiff(before.toString(), now.toString(), {
    before: original === undefined ? "/dev/null" : `generation${path}`,
    after: node?.kind === "whiteout" ? "/dev/null" : `machine${path}`,
  });
  return text === "" ? [] : [{ path, text }];
}

function textOf(judged: Judged<OwnedFinding>, { system, session }: Facts, columns: number): string {
  const { open, allowed, expired } = judged;
  const width = Math.min(columns, 80);
  const lines: string[] = [];
  if (open.length > 0) {
    const rows = open.map((item) => [item.kind, item.name, [item.change, ...item.what].join(", "), ownerOf(item)]);
    lines.push(
      table(
        rows,
        // Names are what one types next: only very long ones are cut.
        [
          { title: "KIND" },
          { title: "NAME", shrink: open.some(({ name }) => name.length > NAME_CELLS) },
          { title: "CHANGE", shrink: true },
          { title: "OWNER", shrink: true },
        ],
        width,
      ),
      "",
    );
    const lasts = system.state.etcMode === "persistent" ? "Files of /etc stay" : "Gone at the next start";
    lines.push(`${formatCount(open.length, "difference")}. ${lasts}: ashlar drift adopt, allow or revert.`);
  } else lines.push(allowed.length > 0 ? "Nothing else differs." : "Nothing differs: the machine is what its generation says.");
  if (allowed.length > 0) {
    const rows = allowed.map(({ kind, name, allowance }) => [kind, name, allowance.until, allowance.because ?? ""]);
    lines.push(
      "",
      table(rows, [{ title: "ALLOWED" }, { title: "NAME", shrink: true }, { title: "UNTIL" }, { title: "BECAUSE", shrink: true }], width),
    );
  }
  for (const { name, until } of expired) lines.push(`expired: ${name} was allowed until ${until}`);
  if (session !== undefined) lines.push(`An edit session of ${session.by} lies over /usr; \`ashlar edit --drop\` ends it.`);
  return lines.join("\n");
}

function ownerOf({ package: brought, option }: OwnedFinding): string {
  return [...(option === undefined ? [] : [option]), ...(brought === undefined ? [] : [`package ${brought}`])].join(", ");
}
