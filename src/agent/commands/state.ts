/** `ashlar state`: where this machine keeps data, and what nobody declared. */
import { varKeep } from "#boot/runtime/var.ts";
import type { System } from "#config/system.ts";
import { generationsOf } from "#deployment/generations.ts";
import { readRecords } from "#deployment/records.ts";
import type { StateErrorCode } from "#state/errors.ts";
import { declaredPaths } from "#state/declared.ts";
import { namesake, openers } from "#state/holders.ts";
import { forgetPath, keepPath, keptPaths } from "#state/kept.ts";
import { stateReport } from "#state/report.ts";
import type { StateItem } from "#state/report.ts";
import { imageRoot, mountedRoot } from "#state/root-reader.ts";
import { writeSamples } from "#state/samples.ts";
import { unknownState } from "#state/unknown.ts";
import type { UnknownPath } from "#state/unknown.ts";
import { AshlarError } from "#errors";
import { formatBytes, formatCount } from "#report/format.ts";
import { table } from "#report/table.ts";
import { systemOf, withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

const WIDTH = 80;

/** @throws E_STATE_ROOT, E_STATE_UNREADABLE */
export async function state(context: AgentContext): Promise<AgentResult> {
  requireRoot("ashlar state");
  const { machine } = context;
  const system = systemOf(machine);
  const report = await withStore(context, async (store) => {
    const generations = generationsOf(machine, readRecords(machine.deployments), undefined);
    const running = generations.find(({ booted }) => booted)?.number;
    const older = generations
      .filter(({ number }) => running !== undefined && number < running)
      .reverse()
      .map(({ number, deployment }) => ({ number, root: () => imageRoot(store, deployment.image.digest) }));
    return stateReport(machine, system, { generation: running, older, now: context.now() });
  });
  writeSamples(machine, report.samples);
  const items = report.items.map((item) => ({ ...item, stays: stays(item.path, system, keptPaths(machine)) }));
  const total = report.items.reduce((sum, { bytes }) => sum + bytes, 0);
  const shown = items.filter(({ bytes, by }) => bytes > 0 || !by.startsWith("tmpfiles.d/"));
  const empty = report.items.length - shown.length;
  const lines = [
    stateTable(shown, context.columns),
    "",
    `${formatBytes(total)} in ${formatCount(report.items.length, "declared path")}${empty === 0 ? "" : `; ${empty} that packages made are empty`}.`,
    ...(system.state.varMode === "ephemeral" ? ["What is marked with - begins anew at each start."] : []),
  ];
  return { json: { varMode: system.state.varMode, state: items }, text: lines.join("\n") };
}

/** `ashlar state unknown` */
export async function unknown(context: AgentContext): Promise<AgentResult> {
  requireRoot("ashlar state unknown");
  const { machine } = context;
  const root = mountedRoot(machine.root);
  const found = unknownState(machine.root, declaredPaths(root, systemOf(machine), keptPaths(machine)));
  const open = openers(found.map(({ path }) => path));
  const described = found.map((item) => ({ ...item, ...ownerOf(item.path, open, namesake(root, item.path)) }));
  if (described.length === 0) return { json: { unknown: [] }, text: "Every file under /var and /home is declared." };
  const now = context.now();
  const rows = described.map((item: UnknownPath & Owner) => [
    item.path,
    formatBytes(item.bytes),
    age(now - item.changed),
    [...(item.processes ?? []), ...(item.package === undefined ? [] : [`${item.package}?`])].join(", "),
  ]);
  const columns = [{ title: "PATH", shrink: true }, { title: "SIZE", align: "right" as const }, { title: "CHANGED" }, { title: "OWNER" }];
  const text = [table(rows, columns, Math.min(context.columns, WIDTH)), "", "`ashlar state keep PATH` says that one is to stay."].join(
    "\n",
  );
  return { json: { unknown: described }, text };
}

/** `ashlar state keep PATH`. @throws E_STATE_PATH */
export async function keep(context: AgentContext, path: string): Promise<AgentResult> {
  const changed = keepPath(context.machine, path);
  const config = `state: { var: { ${JSON.stringify(path)}: "state" } }`;
  const text = [
    `${path} is ${changed ? "now" : "already"} kept on this machine, also when /var begins anew.`,
    ...(path.startsWith("/var/") ? ["For every machine of this system, put it into the config:", "", `  ${config}`] : []),
  ].join("\n");
  return { json: { path, changed, config }, text };
}

/** `ashlar state forget PATH` */
export async function forget(context: AgentContext, path: string): Promise<AgentResult> {
  const changed = forgetPath(context.machine, path);
  return {
    json: { path, changed },
    text: changed ? `${path} is no longer kept by this machine's own list.` : `${path} was not in this machine's list.`,
  };
}

/** Whether a path outlives a restart. */
function stays(path: string, system: System, kept: readonly string[]): boolean {
  if (system.state.varMode === "persistent" || !path.startsWith("/var/")) return true;
  return [...varKeep(system), ...kept].some((each) => path === each || path.startsWith(`${each}/`));
}

function stateTable(items: readonly (StateItem & { readonly stays: boolean })[], columns: number): string {
  const rows = items.map((item) => [
    item.path,
    item.stays ? item.class : `- ${item.class}`,
    formatBytes(item.bytes),
    item.growth === undefined ? "" : `${item.growth > 0 ? "+" : ""}${formatBytes(item.growth)}`,
    item.since === undefined ? "" : String(item.since),
    item.service ?? item.package ?? item.by,
  ]);
  return table(
    rows,
    [
      { title: "PATH", shrink: true },
      { title: "CLASS" },
      { title: "SIZE", align: "right" },
      { title: "GREW", align: "right" },
      { title: "SINCE", align: "right" },
      { title: "OWNER", shrink: true },
    ],
    Math.min(columns, WIDTH),
  );
}

interface Owner {
  /** That have files open in it now. */
  readonly processes?: readonly string[];
  /** A package of that name is installed: a guess. */
  readonly package?: string;
}

function ownerOf(path: string, open: ReadonlyMap<string, readonly string[]>, package_: string | undefined): Owner {
  const processes = open.get(path);
  return { ...(processes === undefined ? {} : { processes }), ...(package_ === undefined ? {} : { package: package_ }) };
}

function age(seconds: number): string {
  if (seconds < 3600) return `${Math.max(0, Math.floor(seconds / 60))} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}

/** A test's machine is a folder of whoever runs it. */
function requireRoot(command: string): void {
  if (process.getuid?.() === 0) return;
  throw new AshlarError<StateErrorCode>("E_STATE_ROOT", "only root may look at all data of a machine", { hint: `sudo ${command}` });
}
