/**
 * Drift as one JSON text that a build host can adopt: `ashlar drift export` writes it on the machine, `ashlar adopt` reads it
 * (docs/formats/drift.md). What may be a secret is in it only when that was asked for.
 */
import { AshlarError, messageOf } from "#errors";
import { toText } from "#formats/bytes.ts";
import type { DriftErrorCode } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type { Finding, FindingKind } from "./finding.ts";
import type { UpperNode } from "./gather/upper.ts";

export interface DriftExport {
  readonly version: 1;
  /** The system's name. */
  readonly name: string;
  readonly image: string;
  readonly items: readonly ExportItem[];
  /** The image's accounts, so that owners can be named and numbered elsewhere: world-readable files only. */
  readonly accounts: { readonly passwd: string; readonly group: string };
}

export interface ExportItem {
  readonly kind: FindingKind;
  readonly name: string;
  readonly change: string;
  readonly path?: string;
  /** What runs: of kernel parameters. */
  readonly value?: string;
  readonly node?: ExportNode;
  /** Text of the unit in the image, for units that were enabled or masked. */
  readonly unit?: string;
  /** Its content was left out, because it may be a secret. */
  readonly withheld?: true;
  /** Passwd line, and names of groups, of a user that was added or changed. */
  readonly account?: { readonly passwd: string; readonly groups: readonly string[] };
}

export type ExportNode =
  | {
      readonly type: "file";
      readonly mode: string;
      readonly owner: string;
      readonly group: string;
      readonly uid: number;
      readonly gid: number;
      /** Base64. */
      readonly content?: string;
      readonly xattrs: readonly string[];
    }
  | {
      readonly type: "directory";
      readonly mode: string;
      readonly owner: string;
      readonly group: string;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly type: "symlink"; readonly target: string };

/** @param options.secrets takes contents along that may be secret */
export function exportDrift(
  findings: readonly Finding[],
  facts: Facts,
  options: { readonly image: string; readonly secrets: boolean; readonly readFile: (path: string) => Buffer },
): DriftExport {
  const { image, system } = facts;
  const accounts = { passwd: image.text("/etc/passwd") ?? "", group: image.text("/etc/group") ?? "" };
  const nodes = new Map([...facts.etc, ...(facts.session?.changes ?? [])].map((node) => [toText(node.path), node]));
  const items = findings.map((finding): ExportItem => {
    const { kind, name, change, path } = finding;
    const at = path ?? name;
    const node = nodes.get(at);
    const withheld = finding.secret === true && !options.secrets;
    const unit = kind === "unit" ? image.text(`/usr/lib/systemd/system/${name.replace(/@.+\./, "@.")}`) : undefined;
    return {
      kind,
      name,
      change,
      ...(path === undefined ? {} : { path }),
      ...(finding.running === undefined ? {} : { value: finding.running }),
      ...(node === undefined || node.kind === "whiteout"
        ? atRunTime(finding, options.readFile)
        : { node: describe(node, accounts, withheld) }),
      ...(unit === undefined ? {} : { unit }),
      ...(withheld ? { withheld } : {}),
    };
  });
  return { version: 1, name: system.name, image: options.image, items, accounts };
}

/** @throws E_DRIFT_EXPORT_FORMAT */
export function parseExport(text: string, from: string): DriftExport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(from, messageOf(cause), cause);
  }
  if (typeof value !== "object" || value === null || !("version" in value)) throw malformed(from, "it is no export of drift");
  if (value.version !== 1) throw malformed(from, `it is of version ${String(value.version)}, and this Ashlar reads version 1`);
  const { items, accounts } = value as Partial<DriftExport>;
  if (
    !Array.isArray(items) ||
    accounts === undefined ||
    !items.every((item: Partial<ExportItem>) => typeof item.name === "string" && typeof item.kind === "string")
  )
    throw malformed(from, "it has no items");
  return value as DriftExport;
}

/** A drop-in of `systemctl edit --runtime`. */
function atRunTime({ kind, change, path }: Finding, readFile: (path: string) => Buffer): { node?: ExportNode } {
  if (kind !== "unit" || path?.startsWith("/run/") !== true || (change !== "edited" && change !== "added")) return {};
  const content = readFile(path).toString("base64");
  return { node: { type: "file", mode: "0644", owner: "root", group: "root", uid: 0, gid: 0, content, xattrs: [] } };
}

function describe(node: UpperNode, accounts: DriftExport["accounts"], withheld: boolean): ExportNode {
  if (node.kind === "symlink") return { type: "symlink", target: toText(node.target ?? "") };
  const ownership = {
    mode: (node.mode & 0o7777).toString(8).padStart(4, "0"),
    owner: nameOf(accounts.passwd, node.uid),
    group: nameOf(accounts.group, node.gid),
    uid: node.uid,
    gid: node.gid,
  };
  if (node.kind === "directory") return { type: "directory", ...ownership };
  return {
    type: "file",
    ...ownership,
    ...(withheld ? {} : { content: node.content().toString("base64") }),
    xattrs: [...node.xattrs.keys()].map(toText),
  };
}

/** The name of an id in a table of accounts; the id itself when nobody has it. */
function nameOf(table: string, id: number): string {
  const record = table
    .split("\n")
    .map((line) => line.split(":"))
    .find((fields) => fields[2] === String(id));
  return record?.[0] ?? String(id);
}

function malformed(from: string, why: string, cause?: unknown): AshlarError<DriftErrorCode> {
  return new AshlarError("E_DRIFT_EXPORT_FORMAT", `${from} cannot be adopted: ${why}`, {
    cause,
    hint: "make one on the machine: sudo ashlar drift export PATH… > drift.json",
  });
}
