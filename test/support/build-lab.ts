/** Projects and workspaces for tests that really build: downloads and tools are shared with the machine's own cache, results are not. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockSystem } from "#pipeline";
import type { Context } from "#pipeline";
import { createReporter, silentReporter } from "#report/reporter.ts";
import type { StepOutcome } from "#report/reporter.ts";
import { openWorkspace } from "#workspace";
import type { Workspace } from "#workspace";

const ROOT = join(import.meta.dirname, "../..");
const SHARED = ["agent", "archive", "packages", "toolchain"] as const;

export interface BuildLab extends Disposable {
  readonly folder: string;
  /** The minimal example, with a lock beside it. */
  readonly config: string;
  /** A workspace with an empty build cache, below the lab unless said otherwise. */
  workspace(name: string): Workspace;
  /** Another config of the same project that merges `part` (TypeScript) into the minimal example. */
  variant(name: string, part: string): string;
  /** Puts a folder with these files beside the configs. */
  place(name: string, files: Readonly<Record<string, string>>): void;
}

export async function openBuildLab(): Promise<BuildLab> {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-build-"));
  const project = copyExamples(join(folder, "project"));
  const config = join(project, "minimal", "system.ts");
  await lockSystem({ config }, { workspace: openWorkspace(), report: silentReporter });
  return {
    folder,
    config,
    workspace: (name) => workspaceIn(join(folder, name)),
    variant: (name, part) => {
      const path = join(project, "minimal", `${name}.ts`);
      writeFileSync(
        path,
        `import { defineSystem, merge } from "ashlar";\nimport minimal from "./system.ts";\n\nexport default defineSystem(merge(minimal, ${part}));\n`,
      );
      return path;
    },
    place: (name, files) => {
      for (const [path, text] of Object.entries(files)) {
        const to = join(project, "minimal", name, path);
        mkdirSync(join(to, ".."), { recursive: true });
        writeFileSync(to, text);
      }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The examples as a project in `folder`, without locks. @returns the folder */
export function copyExamples(folder: string): string {
  cpSync(join(ROOT, "examples"), folder, { recursive: true, filter: (path) => !path.endsWith(".lock.json") });
  // Where a tsconfig.json is, a project begins.
  writeFileSync(join(folder, "tsconfig.json"), "{}\n");
  return folder;
}

/** Makes `root` a workspace whose downloads and tools are links to the machine's own. */
export function workspaceIn(root: string): Workspace {
  const own = openWorkspace();
  mkdirSync(root, { recursive: true });
  for (const name of SHARED) {
    mkdirSync(join(own.root, name), { recursive: true });
    symlinkSync(join(own.root, name), join(root, name));
  }
  return openWorkspace(root);
}

export interface Watched extends Context {
  /** How each step ended so far, by name; a step that did not run is absent. */
  readonly outcomes: ReadonlyMap<string, StepOutcome>;
  readonly notes: readonly string[];
}

/** A context that remembers which steps ran. */
export function watched(workspace: Workspace): Watched {
  const names = new Map<number, string>();
  const outcomes = new Map<string, StepOutcome>();
  const notes: string[] = [];
  const report = createReporter((event) => {
    if (event.type === "start") names.set(event.step, event.name);
    if (event.type === "end") outcomes.set(names.get(event.step) ?? "", event.outcome);
    if (event.type === "note") notes.push(event.text);
  });
  return { workspace, report, outcomes, notes };
}

export interface BuildProcess {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  /** Milliseconds after which it is killed with SIGKILL. */
  readonly killAfter?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Put in front of the command, as `unshare` is. */
  readonly prefix?: readonly string[];
}

/** `./ashlar build CONFIG` as a process of its own. */
export async function buildProcess(config: string, workspace: Workspace, options: ProcessOptions = {}): Promise<BuildProcess> {
  const [program, ...args] = [...(options.prefix ?? ["/usr/bin/env"]), join(ROOT, "ashlar"), "build", config, "--progress", "plain"];
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...options.env, ASHLAR_CACHE: workspace.root };
  const child = spawn(program, args, { cwd: "/", env, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const closed = once(child, "close");
  if (options.killAfter !== undefined) {
    const waiting = new AbortController();
    await Promise.race([closed, sleep(options.killAfter, undefined, { signal: waiting.signal }).catch(() => {})]);
    waiting.abort();
    child.kill("SIGKILL");
  }
  await closed;
  return { exitCode: child.exitCode, ...output };
}
