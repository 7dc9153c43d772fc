/** Holds what ARCHITECTURE.md promises: who may import whom, how long files may be, and what no tracked file may contain. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { exec } from "#sys/exec.ts";
import { importsOf } from "./support/imports.ts";
import type { Import } from "./support/imports.ts";

const root = join(import.meta.dirname, "..");
const STAGES = ["config", "lock", "tree", "image", "registry", "deployment", "boot"];
const BASE = ["formats", "sys", "report", "errors"];
/** What a stage may use besides itself and BASE. */
const SERVICES = ["archive", "store", "toolchain", "workspace"];
/** What happens on a machine after its start: each is a matter of its own, and knows of the others no more than types. */
const LIFE = ["drift", "state", "apply", "compose"];
const SEES_ALL = ["pipeline", "agent", "vm", "cli"];

const MAX_LINES = 400;
const MAX_MEDIAN = 120;
const MAX_P90 = 300;

const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => `src/${path}`)
  .sort();
const sources = files.filter((path) => !path.endsWith(".test.ts"));
const imports = sources.flatMap((path) => importsOf(root, path));

test("every folder imports only what the layer rule allows", () => {
  assert.deepEqual(imports.filter((edge) => !isAllowed(edge)).map(show), []);
});

test("there are no import cycles", () => {
  assert.deepEqual(cyclesIn(imports.filter((edge) => !edge.typeOnly)), []);
});

test("only sys starts processes and talks to the kernel", () => {
  const outside = imports.filter((edge) => areaOf(edge.from) !== "sys");
  assert.deepEqual(outside.filter((edge) => /^(node:)?child_process$|^koffi$/.test(edge.specifier)).map(show), []);
});

test("files are short: cap, median and 90th percentile", () => {
  const lengths = sources.map((path) => ({ path, lines: readFileSync(join(root, path), "utf8").split("\n").length - 1 }));
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > MAX_LINES),
    [],
  );
  const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const p90 = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
  assert.ok(median <= MAX_MEDIAN, `the median file has ${median} lines`);
  assert.ok(p90 <= MAX_P90, `a tenth of the files has more than ${p90} lines`);
});

test("no tracked file names the registry or the mirror of this machine", async () => {
  const hosts = await machineHosts();
  const tracked = await git("ls-files", "-z");
  const found: string[] = [];
  for (const path of tracked.split("\0").filter((name) => name !== "")) {
    const text = readFileSync(join(root, path), "latin1");
    for (const host of hosts) if (text.includes(host)) found.push(path);
  }
  assert.deepEqual(found, []);
});

test("package-lock.json says what is installed and not from where", () => {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  assert.doesNotMatch(lock, /"resolved"/);
  assert.match(lock, /"integrity": "sha512-/);
});

test("no dependency runs a script when it is installed", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const npmrc = readFileSync(join(root, ".npmrc"), "utf8");
  assert.match(npmrc, /^ignore-scripts=true$/m);
  const withScripts = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript === true);
  // Their binaries come in optional packages of their own; the scripts are only a fallback that never runs.
  assert.deepEqual(withScripts.map(([path]) => path.slice("node_modules/".length)).sort(), ["esbuild", "koffi"]);
});

function isAllowed(edge: Import): boolean {
  const [from, to] = [areaOf(edge.from), edge.to === undefined ? undefined : areaOf(edge.to)];
  if (to === undefined || to === from || SEES_ALL.includes(from)) return to !== "cli" || from === "cli";
  if (BASE.includes(to)) return true;
  if (BASE.includes(from)) return false;
  const [fromStage, toStage] = [STAGES.indexOf(from), STAGES.indexOf(to)];
  // What a stage makes may be named by those after it and by the services, but not called.
  if (toStage >= 0) return edge.typeOnly && (fromStage === -1 || toStage < fromStage);
  if (LIFE.includes(from) && LIFE.includes(to)) return edge.typeOnly;
  return SERVICES.includes(to);
}

/** "src/store/lock.ts" → "store", "src/errors.ts" → "errors". */
function areaOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

function show(edge: Import): string {
  return `${edge.from} → ${edge.to ?? edge.specifier}${edge.typeOnly ? " (type)" : ""}`;
}

function cyclesIn(edges: readonly Import[]): string[] {
  const next = Map.groupBy(edges, (edge) => edge.from);
  const state = new Map<string, "open" | "closed">();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === "closed") return;
    if (state.get(file) === "open") {
      cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      return;
    }
    state.set(file, "open");
    for (const edge of next.get(file) ?? []) if (edge.to !== undefined) visit(edge.to, [...path, file]);
    state.set(file, "closed");
  };
  for (const file of next.keys()) visit(file, []);
  return cycles;
}

/** Host names that npm and apt use here. Addresses of this machine itself are no names. */
async function machineHosts(): Promise<string[]> {
  const npm = await exec("npm", ["config", "get", "registry"], {
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/" },
  });
  const apt = readdirSync("/etc/apt", { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(list|sources)$/.test(path))
    .map((path) => readFileSync(join("/etc/apt", path), "utf8"));
  const urls = [npm.stdout.toString(), ...apt].flatMap((text) => text.match(/https?:\/\/[^\s\]"]+/g) ?? []);
  const hosts = new Set(urls.map((url) => new URL(url).hostname).filter((host) => host.includes(".") && !host.startsWith("127.")));
  assert.ok(hosts.size > 0, "neither npm nor apt names a host");
  return [...hosts];
}

async function git(...args: string[]): Promise<string> {
  return (await exec("git", ["-c", `safe.directory=${root}`, ...args], { cwd: root })).stdout.toString();
}
