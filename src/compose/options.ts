/**
 * What each option of a System decides in an image. A part of a generation is a set of grains: an option, or one entry of
 * an option that is a record, which changes as a whole.
 */
import type { System } from "#config/system.ts";
import { fromText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { canonicalJson } from "#formats/canonical-json.ts";

/** ["sysctl", "kernel.panic"], or ["hostname"]. */
export type Grain = readonly [option: string, key?: string];

/** Options that are records: each entry is a grain, and a name after the first dot is its key. */
const RECORDS = ["files", "links", "directories", "units", "users", "sysctl", "mounts"] as const;

/** Options that are one grain, and the paths that they alone decide. What is empty is read from system.json, or by the boot loader. */
const WHOLE: Readonly<Record<string, readonly RegExp[]>> = {
  hostname: [/^\/etc\/host(name|s)$/],
  locale: [/^\/etc\/(locale\.conf|default\/locale|locale\.gen)$/, /^\/usr\/lib\/locale\/locale-archive$/],
  timezone: [/^\/etc\/(timezone|localtime)$/],
  keyboard: [/^\/etc\/default\/keyboard$/],
  network: [/^\/usr\/lib\/systemd\/network\/50-ashlar-[^/]+\.network$/, /^\/etc\/resolv\.conf$/],
  ssh: [/^\/etc\/ssh\/sshd_config\.d\/10-ashlar\.conf$/],
  "kernel.arguments": [],
  health: [],
  updates: [],
};

/** Why other options cannot be taken by themselves. */
const REFUSED: Readonly<Record<string, string>> = {
  name: "it says which releases the machine takes",
  schema: "it is the format of the config",
  distribution: "every package comes from it",
  packages: "name a package: packages.NAME",
  recommends: "it only matters when packages are chosen",
  services: "name a service: services.NAME",
  groups: "files belong to groups by number; name a user: users.NAME",
  layers: "they are resolved together, on top of the base: `ashlar layer`",
  state: "data under /var and /etc is one for all generations",
  boot: "the boot menu is one for all generations",
};

export type ParsedOption =
  | { readonly grain: Grain }
  /** `files`: every entry that differs. */
  | { readonly grains: readonly Grain[] }
  | { readonly refused: string };

/** What the text of a part means as an option: `sysctl.vm.swappiness`, `files./etc/motd`, `users.ada.shell`, `hostname`. */
export function parseOption(text: string, newer: System, older: System): ParsedOption {
  const dot = text.indexOf(".");
  const [option, rest] = dot < 0 ? [text, undefined] : [text.slice(0, dot), text.slice(dot + 1)];
  const why = REFUSED[option];
  if (why !== undefined) return { refused: `${option} cannot be taken by itself: ${why}` };
  if (RECORDS.some((name) => name === option)) {
    const keys = [...new Set([...keysOf(newer, option), ...keysOf(older, option)])].sort();
    if (rest === undefined) return { grains: keys.map((key): Grain => [option, key]).filter((grain) => differs(newer, older, grain)) };
    const key = keys.find((known) => known === rest) ?? keys.find((known) => rest.startsWith(`${known}.`));
    if (key === undefined) return { refused: `neither generation has ${text}` };
    return key === rest ? { grain: [option, key] } : within([option, key], rest.slice(key.length + 1), { text, newer, older });
  }
  const whole = Object.keys(WHOLE).find((name) => text === name || text.startsWith(`${name}.`));
  if (whole === undefined) return { refused: `there is no option ${text}, or nothing says what of an image it decides` };
  return text === whole ? { grain: [whole] } : within([whole], text.slice(whole.length + 1), { text, newer, older });
}

/** A value inside a grain can stand for it only when nothing else of the grain differs. */
function within(
  grain: Grain,
  rest: string,
  { text, newer, older }: { readonly text: string; readonly newer: System; readonly older: System },
): ParsedOption {
  const keys = rest.split(".");
  const without = (system: System): string => canonicalJson(dropped(valueOf(system, grain), keys) ?? null);
  if (without(newer) === without(older)) return { grain };
  return { refused: `${text} cannot be taken without the rest of ${grain.join(".")}, which differs too; name ${grain.join(".")}` };
}

function dropped(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return undefined;
  const record = value as Readonly<Record<string, unknown>>;
  return { ...record, [key]: dropped(record[key], rest) };
}

/** The value of a grain, undefined when the System lacks it. */
export function valueOf(system: System, grain: Grain): unknown {
  return pathOf(grain).reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    system,
  );
}

export function differs(newer: System, older: System, grain: Grain): boolean {
  return canonicalJson(valueOf(newer, grain) ?? null) !== canonicalJson(valueOf(older, grain) ?? null);
}

/** The System with grains of another one. */
export function withGrains(newer: System, older: System, grains: readonly Grain[]): System {
  const result = structuredClone(newer) as unknown as Record<string, unknown>;
  for (const grain of grains) {
    const path = pathOf(grain);
    const parent = path.slice(0, -1).reduce<Record<string, unknown>>((value, key) => value[key] as Record<string, unknown>, result);
    const value = valueOf(older, grain);
    const key = path.at(-1) ?? "";
    if (value === undefined) delete parent[key];
    else parent[key] = structuredClone(value);
  }
  return result as unknown as System;
}

/** Whether a path of the image is decided by a grain alone. */
export function decides(grain: Grain, path: ByteString): boolean {
  const [option, key = ""] = grain;
  switch (option) {
    case "files":
    case "links":
    case "directories":
      return path === placeOf(key);
    case "users":
      return path === `/etc/sudoers.d/50-ashlar-${key}` || path === `/etc/ssh/authorized_keys.d/${key}`;
    default:
      return WHOLE[option]?.some((pattern) => pattern.test(path)) ?? false;
  }
}

/** The grain of a System that decides a path of its image. */
export function grainOf(system: System, path: ByteString): Grain | undefined {
  const keyed = (["files", "links", "directories", "users"] as const).flatMap((option) =>
    Object.keys(system[option]).map((key): Grain => [option, key]),
  );
  return [...keyed, ...Object.keys(WHOLE).map((option): Grain => [option])].find((grain) => decides(grain, path));
}

/** Where the image has a path of the config: what is declared in the machine's own folders lies below /usr/share/factory. */
export function placeOf(path: string): ByteString {
  const place = fromText(path);
  return /^\/(var|root|home|srv)\//.test(path) ? `/usr/share/factory${place}` : place;
}

/** Paths that the config puts there itself. */
export function declaredPaths(system: System): ReadonlySet<ByteString> {
  return new Set((["files", "links", "directories"] as const).flatMap((option) => Object.keys(system[option]).map(placeOf)));
}

/** The option's place in a System; a dot in a key is no step. */
function pathOf([option, key]: Grain): string[] {
  return key === undefined ? option.split(".") : [option, key];
}

function keysOf(system: System, option: string): string[] {
  return Object.keys((system as unknown as Record<string, Record<string, unknown> | undefined>)[option] ?? {});
}
