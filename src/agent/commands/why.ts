/** `ashlar why NAME`: where something of the running generation comes from, and since which generation it is as it is. */
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { explain, stateOf } from "#compose/explain.ts";
import type { Explanation } from "#compose/explain.ts";
import { openRoot } from "#compose/root.ts";
import type { Root } from "#compose/root.ts";
import type { Deployment } from "#deployment/deployment.ts";
import { readRecords } from "#deployment/records.ts";
import { generationNumberOf } from "#deployment/running.ts";
import { AshlarError } from "#errors";
import { fromText } from "#formats/bytes.ts";
import { verityDigest } from "#formats/fsverity.ts";
import type { Store } from "#store/store.ts";
import { withStore } from "../context.ts";
import type { AgentContext, AgentResult } from "../context.ts";

export type WhyErrorCode = "E_WHY_NOTHING" | "E_WHY_ROOT";

/** Changes nothing. @throws E_WHY_NOTHING, E_WHY_ROOT */
export async function why(context: AgentContext, name: string): Promise<AgentResult> {
  if (context.machine.root === "/" && process.getuid?.() !== 0)
    throw new AshlarError<WhyErrorCode>("E_WHY_ROOT", "images can be read only by root", { hint: `sudo ashlar why ${name}` });
  return withStore(context, async (store) => {
    const { machine } = context;
    const records = readRecords(machine.deployments);
    const { deployments } = records;
    const number = generationNumberOf(machine.running, records);
    const running = deployments.find((deployment) => deployment.number === number);
    if (running === undefined) throw nothing(name, "no generation of this machine runs");
    const root = openRoot(running.image, store);
    const argument = argumentOf(running, name);
    if (argument !== undefined)
      return present({ name, kind: "kernel argument", ...argument, since: sinceArgument(name, running, deployments) });
    const found = explain(root, name);
    const differs = found.inImage ? differsFrom(machine.root, found.path, root) : undefined;
    if (!found.inImage && found.packages.length === 0 && lstat(join(machine.root, found.path)) === undefined)
      throw nothing(name, "it is neither a path, nor a unit, nor a kernel argument of the running generation");
    return present({
      name,
      kind: "path",
      ...found,
      ...(found.inImage ? { since: sincePath(found, root, { running, deployments, store }) } : {}),
      ...(differs === undefined ? {} : { differs }),
    });
  });
}

function argumentOf({ image }: Deployment, name: string): { readonly option: string } | { readonly by: string } | undefined {
  if (image.kernel?.arguments.includes(name) === true) return { option: "kernel.arguments" };
  return /^(composefs|root|rootfstype|ashlar\.generation|panic|rw)(=|$)/.test(name) ? { by: "Ashlar, in every boot entry" } : undefined;
}

function sinceArgument(name: string, running: Deployment, deployments: readonly Deployment[]): number {
  return since(running, deployments, ({ image }) => image.kernel?.arguments.includes(name) === true);
}

function sincePath(
  { path }: Explanation,
  root: Root,
  { running, deployments, store }: { readonly running: Deployment; readonly deployments: readonly Deployment[]; readonly store: Store },
): number {
  const now = stateOf(root, path);
  return since(running, deployments, ({ image }) => store.has(image.digest) && stateOf(openRoot(image, store), path) === now);
}

/** The first of the kept generations up to the running one that has it without a gap. */
function since(running: Deployment, deployments: readonly Deployment[], has: (deployment: Deployment) => boolean): number {
  let first = running.number;
  for (const deployment of deployments.filter(({ number }) => number < running.number).toReversed()) {
    if (!has(deployment)) break;
    first = deployment.number;
  }
  return first;
}

/** What of the machine's own file is not as the image has it. */
function differsFrom(machineRoot: string, path: string, root: Root): readonly string[] | undefined {
  const node = root.inode(fromText(path));
  const real = join(machineRoot, path);
  const stat = lstat(real);
  if (node === undefined) return undefined;
  if (stat === undefined) return ["it is gone"];
  const what: string[] = [];
  if (stat.mode !== node.mode) what.push("mode");
  if (stat.uid !== node.uid || stat.gid !== node.gid) what.push("owner");
  if (stat.isSymbolicLink() && readlinkSync(real, { encoding: "latin1" }) !== node.payload) what.push("target");
  if (!stat.isFile()) return what;
  const content = readFileSync(real);
  const same = node.digest === undefined ? content.equals(node.content ?? Buffer.alloc(0)) : verityDigest(content) === node.digest;
  return same ? what : [...what, "content"];
}

function lstat(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}

interface Answer {
  readonly name: string;
  readonly kind: "path" | "kernel argument";
  readonly path?: string;
  readonly inImage?: boolean;
  readonly packages?: Explanation["packages"];
  readonly option?: string;
  readonly by?: string;
  readonly since?: number;
  readonly differs?: readonly string[];
}

function present(answer: Answer): AgentResult {
  const { name, path, inImage, packages = [], option, by, since: first, differs } = answer;
  const lines = [
    path === undefined || path === name ? name : `${name}: ${path}`,
    ...packages.map((each) => `  package  ${each.name} ${each.version}`),
    ...(option === undefined ? [] : [`  option   ${option}`]),
    ...(by === undefined ? [] : [`  made by  ${by}`]),
    ...(first === undefined ? [] : [`  since    generation ${first}, of those that are kept`]),
    ...(inImage === false ? ["  not in the image: it was made on this machine"] : []),
    ...(differs === undefined || differs.length === 0 ? [] : [`  changed  by hand: ${differs.join(", ")}`]),
  ];
  return { json: { ...answer }, text: lines.join("\n") };
}

function nothing(name: string, why_: string): AshlarError<WhyErrorCode> {
  return new AshlarError("E_WHY_NOTHING", `${name}: ${why_}`, {
    hint: "ashlar why /etc/motd; ashlar why nginx.service; ashlar why quiet",
    details: { name },
  });
}
