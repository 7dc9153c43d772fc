/** `ashlar edit`: the one-line fix. A shell, or a command, that may change /usr and /etc of the running machine. */
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { DriftErrorCode } from "#drift/errors.ts";
import { exportDrift } from "#drift/export.ts";
import type { Facts } from "#drift/facts.ts";
import { compareFindings } from "#drift/finding.ts";
import type { Finding } from "#drift/finding.ts";
import type { UpperNode } from "#drift/gather/upper.ts";
import { readUpper } from "#drift/gather/upper.ts";
import type { Holder } from "#drift/holders.ts";
import { inspect } from "#drift/inspect.ts";
import { wantedOf } from "#drift/lost.ts";
import { putPath, restoreFromImage } from "#drift/restore.ts";
import { AshlarError } from "#errors";
import { fromText, toText } from "#formats/bytes.ts";
import { formatCount } from "#report/format.ts";
import { table } from "#report/table.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { exec } from "#sys/exec.ts";
import { usage } from "../command.ts";
import type { AgentContext, AgentResult } from "../context.ts";
import { gatherFacts } from "./drift-facts.ts";
import type { Gathered } from "./drift-facts.ts";
import { mountEdit, unmountEdit } from "./edit-mount.ts";

export interface EditOptions {
  /** A shell when empty. */
  readonly command: readonly string[];
  readonly answer?: "adopt" | "keep" | "drop";
}

/**
 * Mounts the overlay, runs the command or a shell, lists what changed, and does what was answered.
 * @throws E_EDIT_MOUNT, E_EDIT_NO_SESSION, E_DRIFT_NOT_BOOTED, E_DRIFT_NOT_ROOT
 */
export async function edit(context: AgentContext, options: EditOptions): Promise<AgentResult> {
  const isInteractive = process.stdin.isTTY && process.stdout.isTTY;
  const before = await gatherFacts(context, { onlyFiles: true });
  const isOpen = before.facts.session !== undefined;
  const onlyAnswers = options.command.length === 0 && options.answer !== undefined;
  if (onlyAnswers && !isOpen)
    throw new AshlarError<DriftErrorCode>("E_EDIT_NO_SESSION", "no edit session lies over /usr", { hint: "ashlar edit -- COMMAND…" });
  if (!isInteractive && options.answer === undefined)
    throw usage("nobody can be asked here what to do with the changes: say --adopt, --keep or --drop");
  const etcBefore = copyOfEtc(before);
  const known = inspect(before.facts);
  if (!isOpen) await mountEdit(before.paths.edit, recordOf(context, options, before));
  const exitCode = onlyAnswers ? 0 : await work(options.command, before.facts);
  const after = await gatherFacts(context, { onlyFiles: true });
  const changes = changesOf(known, after, etcBefore);
  if (changes.length === 0 && !isOpen) {
    await unmountEdit(before.paths.edit);
    return { json: { changes: [], answer: "drop", exitCode }, text: "Nothing was changed.", exitCode };
  }
  const answer = options.answer ?? (await ask(changes, context.columns));
  await log(context, options.command, answer, changes);
  const list = changeTable(changes, context.columns);
  const done = await carryOut(answer, { context, before, after, changes, etcBefore });
  return { json: { changes, answer, exitCode, ...done.json }, text: `${list}\n\n${done.text}`, exitCode };
}

interface Outcome {
  readonly context: AgentContext;
  readonly before: Gathered;
  readonly after: Gathered;
  readonly changes: readonly Finding[];
  readonly etcBefore: readonly UpperNode[];
}

async function carryOut(
  answer: "adopt" | "keep" | "drop",
  { context, before, after, changes, etcBefore }: Outcome,
): Promise<{ json: Record<string, unknown>; text: string }> {
  const stays = "The changes stay until the next start, and `ashlar drift` lists them.";
  switch (answer) {
    case "keep":
      return { json: {}, text: `${stays} \`ashlar edit --drop\` takes those of /usr away, \`ashlar edit --adopt\` takes them along.` };
    case "drop": {
      restoreEtc(context, before.facts, changes, etcBefore);
      const holders = await unmountEdit(before.paths.edit);
      if (existsSync("/run/systemd/private")) await exec("systemctl", ["daemon-reload"]);
      return { json: { holders }, text: ["Dropped: the machine is as before.", ...holderText(holders)].join("\n") };
    }
    case "adopt": {
      const path = writeExport(context, after, changes);
      const user = process.env["SUDO_USER"] ?? "root";
      const names = changes.map(({ name }) => name).join(" ");
      const text = `${stays}\nTo adopt them, on the build host:\n  ashlar adopt CONFIG --from ${user}@MACHINE ${names}\nor copy ${path} there: ashlar adopt CONFIG --from FILE`;
      return { json: { export: path }, text };
    }
    default:
      return answer satisfies never;
  }
}

/** Runs with the terminal of the caller, whose environment a shell needs. */
async function work(command: readonly string[], { system }: Facts): Promise<number> {
  if (system.state.etcMode === "readonly") await exec("mount", ["-o", "remount,rw", "/etc"]);
  const [program = process.env["SHELL"] ?? "/bin/sh", ...args] = command;
  const env = { ...(process.env as Record<string, string>), ASHLAR_EDIT: "1" };
  try {
    const { exitCode } = await exec(program, args, { terminal: true, env, allowFailure: true });
    return exitCode;
  } finally {
    if (system.state.etcMode === "readonly") await exec("mount", ["-o", "remount,ro", "/etc"]);
  }
}

function recordOf(context: AgentContext, { command }: EditOptions, { digest }: Gathered) {
  return { since: context.now(), by: process.env["SUDO_USER"] ?? process.env["USER"] ?? "root", command, image: digest };
}

/** /etc is writable anyhow: what was there before the session is what a drop goes back to. */
function copyOfEtc({ paths }: Gathered): readonly UpperNode[] {
  const nodes = readUpper(paths.etcUpper, "/etc");
  return nodes.map((node) => {
    const content = node.content();
    return { ...node, content: () => content };
  });
}

/** Everything in /usr, and in /etc and at run time what was not so before. */
function changesOf(known: readonly Finding[], after: Gathered, etcBefore: readonly UpperNode[]): Finding[] {
  const old = new Set(known.map((finding) => JSON.stringify(finding)));
  const same = sameNodes(etcBefore, after.facts.etc);
  return inspect(after.facts)
    .filter((finding) => finding.kind === "usr" || !old.has(JSON.stringify(finding)) || !same(finding.path ?? finding.name))
    .filter(({ kind }) => kind !== "mount")
    .sort(compareFindings);
}

/** Whether a path of /etc is in both layers the same; what is in neither is. */
function sameNodes(before: readonly UpperNode[], after: readonly UpperNode[]): (path: string) => boolean {
  const print = (nodes: readonly UpperNode[]): Map<string, string> =>
    new Map(
      nodes.map((node) => [
        toText(node.path),
        JSON.stringify([node.kind, node.mode, node.uid, node.gid, node.target, [...node.xattrs], node.content().toString("latin1")]),
      ]),
    );
  const [old, now] = [print(before), print(after)];
  return (path) => old.get(path) === now.get(path);
}

function restoreEtc(context: AgentContext, facts: Facts, changes: readonly Finding[], etcBefore: readonly UpperNode[]): void {
  const old = new Map(etcBefore.map((node) => [node.path, node]));
  for (const finding of changes) {
    const path = fromText(finding.path ?? finding.name);
    if (!path.startsWith("/etc/")) continue;
    const node = old.get(path);
    if (node !== undefined && node.kind !== "whiteout" && node.kind !== "other") putPath(context.machine.root, path, wantedOf(node));
    else restoreFromImage(context.machine.root, path, facts.image, true);
  }
}

function writeExport(context: AgentContext, { facts, paths, digest }: Gathered, changes: readonly Finding[]): string {
  const readFile = (path: string): Buffer => readFileSync(path);
  const drift = exportDrift(changes, facts, { image: digest, secrets: false, readFile });
  mkdirSync(paths.exports, { recursive: true, mode: 0o700 });
  chmodSync(paths.exports, 0o700);
  const path = join(paths.exports, `${context.now()}.json`);
  writeFileAtomic(path, `${JSON.stringify(drift, undefined, 2)}\n`, { mode: 0o600 });
  return path;
}

async function ask(changes: readonly Finding[], columns: number): Promise<"adopt" | "keep" | "drop"> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    process.stdout.write(`${changeTable(changes, columns)}\n`);
    for (;;) {
      const text = (await terminal.question("[a]dopt into the config, [k]eep until the next start, [d]rop? ")).trim().toLowerCase();
      const answer = (["adopt", "keep", "drop"] as const).find((word) => text !== "" && word.startsWith(text));
      if (answer !== undefined) return answer;
    }
  } finally {
    terminal.close();
  }
}

/** The journal has what a reboot takes. */
async function log(context: AgentContext, command: readonly string[], answer: string, changes: readonly Finding[]): Promise<void> {
  if (context.machine.root !== "/") return;
  const names = changes.map(({ name }) => name).join(" ");
  await exec("logger", ["--tag", "ashlar-edit", `${command.join(" ") || "a shell"}: ${answer}: ${names}`], { allowFailure: true });
}

function changeTable(changes: readonly Finding[], columns: number): string {
  if (changes.length === 0) return "Nothing was changed this time.";
  const rows = changes.map(({ kind, name, change, what }) => [kind, name, [change, ...what].join(", ")]);
  const shown = table(rows, [{ title: "KIND" }, { title: "NAME", shrink: true }, { title: "CHANGE", shrink: true }], Math.min(columns, 80));
  return `${shown}\n${formatCount(changes.length, "change")}.`;
}

function holderText(holders: readonly Holder[]): string[] {
  if (holders.length === 0) return [];
  const names = holders.map(({ pid, name }) => `${name} (${pid})`).join(", ");
  return [`Still using what was dropped, until they are restarted: ${names}`];
}
