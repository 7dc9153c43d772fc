/** What adopting one finding means for a config: which options change, and what the rendered machine must then be. */
import type { System } from "#config/system.ts";
import type { ConfigChange, PlainValue } from "#config/patch/change.ts";
import { AshlarError } from "#errors";
import type { DriftErrorCode } from "./errors.ts";
import type { ExportItem, ExportNode } from "./export.ts";

export interface Adoption {
  readonly item: ExportItem;
  readonly changes: readonly ConfigChange[];
  /** Local files with content, by path relative to the config's folder. */
  readonly sources: ReadonlyMap<string, Buffer>;
  readonly expected: Expected;
}

/** What rendering must give. */
export type Expected =
  | { readonly kind: "node"; readonly path: string; readonly node: ExportNode }
  | { readonly kind: "absent"; readonly path: string }
  | { readonly kind: "unit"; readonly name: string; readonly text: string; readonly state: "enabled" | "masked" | "disabled" | "unmasked" }
  | { readonly kind: "sysctl"; readonly key: string; readonly value: string }
  | { readonly kind: "kernel"; readonly argument: string; readonly present: boolean };

/** More than this, or bytes that are no text, belong in a file beside the config. */
const TEXT_BYTES_MAX = 4096;

/**
 * @param system the config as it is now
 * @throws E_DRIFT_CANNOT_ADOPT saying what to do instead, E_DRIFT_SECRET
 */
export function planAdoption(item: ExportItem, system: System): Adoption {
  const none = { item, sources: new Map<string, Buffer>() };
  switch (item.kind) {
    case "file":
    case "usr":
      return adoptPath(item, item.name, system);
    case "unit":
      return item.change === "edited" || item.change === "added"
        ? adoptPath(item, lasting(item.path ?? ""), system)
        : adoptUnit(item, system);
    case "sysctl":
      if (item.value === undefined) throw cannot(item, "its value is not known");
      return {
        ...none,
        changes: [{ kind: "set", path: ["sysctl", item.name], value: item.value }],
        expected: { kind: "sysctl", key: item.name, value: item.value },
      };
    case "kernel": {
      const present = item.change === "added";
      const list = { path: ["kernel", "arguments"] };
      return {
        ...none,
        changes:
          system.kernel.arguments.includes(item.name) === present
            ? []
            : [present ? { kind: "include", ...list, item: item.name } : { kind: "exclude", ...list, items: [item.name] }],
        expected: { kind: "kernel", argument: item.name, present },
      };
    }
    case "user":
    case "group":
      throw cannot(item, "accounts are declared by name", `describe it under ${item.kind}s in the config`);
    case "mount":
      throw cannot(item, "a mount is more than its path", "describe it under mounts in the config");
    case "var":
      throw cannot(item, "data is no part of a config", `ashlar state keep ${item.name}, or declare its folder under state.var`);
    default:
      return item.kind satisfies never;
  }
}

function adoptPath(item: ExportItem, path: string, system: System): Adoption {
  const { node } = item;
  if (OWN_FILES.has(path)) throw cannot(item, "Ashlar writes this file from other options", OWN_FILES.get(path));
  if (item.withheld === true)
    throw new AshlarError<DriftErrorCode>("E_DRIFT_SECRET", `${path} may be a secret, and a config and its images can be read by many`, {
      hint: "keep it on the machine: state.etc in the config; or take it along nevertheless with --secrets",
    });
  if (item.change === "removed" || node === undefined) return adoptRemoval(item, path, system);
  const expected = { kind: "node", path, node } as const;
  const taken = (["files", "links", "directories"] as const).filter((option) => path in system[option]);
  const clear = (kept: string): ConfigChange[] =>
    taken.filter((option) => option !== kept).map((option): ConfigChange => ({ kind: "remove", path: [option, path] }));
  if (node.type === "symlink")
    return {
      item,
      changes: [...clear("links"), { kind: "set", path: ["links", path], value: node.target }],
      sources: new Map(),
      expected,
    };
  const ownership = {
    ...(node.mode === (node.type === "file" ? "0644" : "0755") ? {} : { mode: node.mode }),
    ...(node.owner === "root" ? {} : { owner: node.owner }),
    ...(node.group === "root" ? {} : { group: node.group }),
  };
  if (node.type === "directory")
    return {
      item,
      changes: [...clear("directories"), { kind: "set", path: ["directories", path], value: { mode: node.mode, ...ownership } }],
      sources: new Map(),
      expected,
    };
  if (node.xattrs.length > 0) throw cannot(item, `it has extended attributes (${node.xattrs.join(", ")}), which a config cannot give`);
  const bytes = Buffer.from(node.content ?? "", "base64");
  const declared = system.files[path]?.source;
  const source = declared ?? (isText(bytes) ? undefined : `files${path}`);
  const value: Record<string, PlainValue> = source === undefined ? { text: bytes.toString() } : { source };
  return {
    item,
    changes: [...clear("files"), { kind: "set", path: ["files", path], value: { ...value, ...ownership } }],
    sources: source === undefined ? new Map() : new Map([[source, bytes]]),
    expected,
  };
}

/** What the config put there can be taken out of it; what a package brings stays. */
function adoptRemoval(item: ExportItem, path: string, system: System): Adoption {
  const option = (["files", "links", "directories"] as const).find((name) => path in system[name]);
  if (option === undefined) throw cannot(item, "a package brings it, and a config adds to packages", "use a config without the package");
  return { item, changes: [{ kind: "remove", path: [option, path] }], sources: new Map(), expected: { kind: "absent", path } };
}

type ServiceList = "enable" | "disable" | "mask";

function adoptUnit(item: ExportItem, system: System): Adoption {
  const { name, change, unit } = item;
  const lists: Partial<Record<string, readonly [to: ServiceList | undefined, from: readonly ServiceList[]]>> = {
    enabled: ["enable", ["disable", "mask"]],
    disabled: ["disable", ["enable", "mask"]],
    masked: ["mask", ["enable", "disable"]],
    unmasked: [undefined, ["mask"]],
  };
  const found = lists[change];
  if (found !== undefined && unit === undefined) throw cannot(item, "the generation has no such unit", `ashlar drift revert ${name}`);
  if (found === undefined || unit === undefined)
    throw cannot(
      item,
      `a unit that ${change === "failed" ? "failed" : `was ${change}`} is a state, not a setting`,
      `systemctl restart ${name}`,
    );
  const [to, from] = found;
  const names = name.endsWith(".service") ? [name, name.slice(0, -".service".length)] : [name];
  const leave = from
    .filter((list) => system.services[list].includes(name))
    .map((list): ConfigChange => ({ kind: "exclude", path: ["services", list], items: names }));
  const isIn = to === undefined || system.services[to].includes(name);
  const join: ConfigChange[] = isIn ? [] : [{ kind: "include", path: ["services", to], item: name }];
  return {
    item,
    changes: [...leave, ...join],
    sources: new Map(),
    expected: { kind: "unit", name, text: unit, state: change as "enabled" | "masked" | "disabled" | "unmasked" },
  };
}

/** What is below /run until the next start belongs below /etc for good. */
function lasting(path: string): string {
  return path.replace(/^\/run\/systemd\/system(\.control)?\//, "/etc/systemd/system/");
}

/** Account files and what depends on them: written as a whole they would undo users, groups and the ledger of ids. */
const OWN_FILES: ReadonlyMap<string, string> = new Map(
  ["passwd", "shadow", "group", "gshadow", "subuid", "subgid"].map((name) => [`/etc/${name}`, "describe users and groups in the config"]),
);

function isText(bytes: Buffer): boolean {
  if (bytes.length > TEXT_BYTES_MAX) return false;
  const text = bytes.toString();
  // Control characters besides tab and line feed would be unreadable in any language.
  return Buffer.from(text).equals(bytes) && !/(?![\n\t])\p{Cc}/u.test(text);
}

function cannot(item: ExportItem, why: string, hint?: string): AshlarError<DriftErrorCode> {
  return new AshlarError("E_DRIFT_CANNOT_ADOPT", `${item.name} cannot be adopted: ${why}`, hint === undefined ? {} : { hint });
}
