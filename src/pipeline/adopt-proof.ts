/**
 * The proof of an adoption: the changed config is evaluated and rendered as a build would, and the result compared with what
 * the machine has, byte for byte. And everything else in the System must be as before.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSystem } from "#config/load.ts";
import type { LoadedSystem } from "#config/load.ts";
import type { ConfigChange } from "#config/patch/change.ts";
import type { System } from "#config/system.ts";
import type { Adoption, Expected } from "#drift/adoption.ts";
import type { DriftExport, ExportNode } from "#drift/export.ts";
import { AshlarError } from "#errors";
import { fromText, toText } from "#formats/bytes.ts";
import { canonicalJson } from "#formats/canonical-json.ts";
import { openStore } from "#store/open.ts";
import { draftOf, putFile, readText } from "#tree/draft.ts";
import type { Draft } from "#tree/draft.ts";
import { renderFiles } from "#tree/render/files.ts";
import { renderIdentity } from "#tree/render/identity.ts";
import { renderUnits } from "#tree/render/units.ts";

export interface Attempt {
  readonly config: string;
  /** Contents that are not written yet, by absolute path. */
  readonly instead: ReadonlyMap<string, Buffer>;
  readonly before: System;
  readonly adoptions: readonly Adoption[];
  readonly accounts: DriftExport["accounts"];
}

/** @returns the new System, or why this attempt is none */
export async function prove(attempt: Attempt): Promise<{ readonly system: System } | { readonly why: string }> {
  const loaded = await load(attempt);
  if ("why" in loaded) return loaded;
  const { system } = loaded;
  const changes = attempt.adoptions.flatMap((adoption) => adoption.changes);
  if (rest(system, changes) !== rest(attempt.before, changes)) return { why: "other options would change, too" };
  const folder = mkdtempSync(join(tmpdir(), "ashlar-adopt-"));
  const store = await openStore(join(folder, "store"), { verity: "off" });
  try {
    const sources = new Map([...loaded.sources].map(([sha256, path], index) => [sha256, readable(path, join(folder, String(index)))]));
    for (const { expected } of attempt.adoptions) {
      const draft = draftOf({ mtime: 0, nodes: new Map() }, store);
      putFile(draft, "/etc/passwd", attempt.accounts.passwd, ROOT_FILE);
      putFile(draft, "/etc/group", attempt.accounts.group, ROOT_FILE);
      const why = refute(draft, system, expected, sources);
      if (why !== undefined) return { why };
    }
    return { system };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }

  /** A source that is not written yet, written where rendering can read it. */
  function readable(path: string, aside: string): string {
    const content = attempt.instead.get(path);
    if (content === undefined) return path;
    writeFileSync(aside, content, { mode: 0o600 });
    return aside;
  }
}

const ROOT_FILE = { mode: 0o644, uid: 0, gid: 0 };

async function load({ config, instead }: Attempt): Promise<LoadedSystem | { readonly why: string }> {
  try {
    return await loadSystem(config, { instead });
  } catch (error) {
    // Not every place where an option could stand is one: a conflict, a syntax error or a wrong type says that this is none.
    if (error instanceof AshlarError && error.code.startsWith("E_CONFIG_")) return { why: error.message };
    if (error instanceof SyntaxError) return { why: error.message };
    throw error;
  }
}

/** The System without the options that may change. */
function rest(system: System, changes: readonly ConfigChange[]): string {
  const copy = JSON.parse(canonicalJson(system)) as Record<string, unknown>;
  for (const { path } of changes) {
    let holder: Record<string, unknown> | undefined = copy;
    for (const key of path.slice(0, -1)) holder = holder?.[key] as Record<string, unknown> | undefined;
    if (holder !== undefined) delete holder[String(path.at(-1))];
  }
  return canonicalJson(copy);
}

function refute(draft: Draft, system: System, expected: Expected, sources: ReadonlyMap<string, string>): string | undefined {
  switch (expected.kind) {
    case "node":
      renderFiles(draft, onlyPath(system, expected.path), sources);
      return differs(draft, expected.path, expected.node);
    case "absent":
      renderFiles(draft, onlyPath(system, expected.path), sources);
      return draft.nodes.has(fromText(expected.path)) ? `${expected.path} would still be there` : undefined;
    case "unit":
      return refuteUnit(draft, system, expected);
    case "sysctl": {
      renderIdentity(draft, system);
      const lines = (readText(draft, "/usr/lib/sysctl.d/90-ashlar.conf") ?? "").split("\n");
      return lines.includes(`${expected.key} = ${expected.value}`) ? undefined : `${expected.key} would not be ${expected.value}`;
    }
    case "kernel":
      return system.kernel.arguments.includes(expected.argument) === expected.present
        ? undefined
        : `kernel.arguments would ${expected.present ? "lack" : "have"} ${expected.argument}`;
    default:
      return expected satisfies never;
  }
}

function onlyPath(system: System, path: string): System {
  const only = <T>(record: Readonly<Record<string, T>>): Record<string, T> => {
    const value = record[path];
    return value === undefined ? {} : { [path]: value };
  };
  return { ...system, files: only(system.files), links: only(system.links), directories: only(system.directories) };
}

function differs(draft: Draft, path: string, wanted: ExportNode): string | undefined {
  const node = draft.nodes.get(fromText(path));
  if (node === undefined) return `${path} would not be there`;
  if (node.kind !== wanted.type) return `${path} would be a ${node.kind}`;
  if (node.kind === "symlink") {
    const target = toText(node.target);
    return wanted.type === "symlink" && target === wanted.target ? undefined : `${path} would lead to ${target}`;
  }
  if (wanted.type === "symlink") return `${path} would be a ${node.kind}`;
  if (node.mode !== Number.parseInt(wanted.mode, 8)) return `${path} would have the mode ${node.mode.toString(8)}`;
  if (node.uid !== wanted.uid || node.gid !== wanted.gid) return `${path} would belong to ${node.uid}:${node.gid}`;
  if (node.kind !== "file" || wanted.type !== "file") return undefined;
  const content = "inline" in node.content ? node.content.inline : draft.store.read(node.content.object);
  return content.equals(Buffer.from(wanted.content ?? "", "base64")) ? undefined : `${path} would have other content`;
}

function refuteUnit(draft: Draft, system: System, { name, text, state }: Extract<Expected, { kind: "unit" }>): string | undefined {
  const units = "/usr/lib/systemd/system";
  putFile(draft, fromText(`${units}/${name.replace(/@.+\./, "@.")}`), text, ROOT_FILE);
  const only = (names: readonly string[]): string[] => names.filter((each) => each === name);
  const { enable, disable, mask } = system.services;
  const own = system.units[name];
  renderUnits(
    draft,
    {
      ...system,
      units: own === undefined ? {} : { [name]: own },
      services: { enable: only(enable), disable: only(disable), mask: only(mask) },
    },
    [],
  );
  const isMasked = draft.nodes.has(fromText(`/etc/systemd/system/${name}`));
  const isEnabled = [...draft.nodes.keys()].some(
    (path) => /\.(wants|requires|upholds)\//.test(path) && path.endsWith(`/${fromText(name)}`),
  );
  const right = { enabled: isEnabled && !isMasked, disabled: !isEnabled, masked: isMasked, unmasked: !isMasked }[state];
  return right ? undefined : `${name} would not be ${state}`;
}
