/** What the names of parts stand for: options, packages and units of two generations. */
import { AshlarError } from "#errors";
import type { ComposeErrorCode } from "./errors.ts";
import { differs, parseOption, valueOf } from "./options.ts";
import type { Grain } from "./options.ts";
import type { Root } from "./root.ts";
import { unitFile, unitName } from "./units.ts";

export interface Selection {
  readonly grains: readonly Grain[];
  /** Names of packages that come from the older generation, or go because it lacks them. */
  readonly packages: ReadonlySet<string>;
  readonly units: ReadonlySet<string>;
  /** Kernel, initrd and kernel arguments. */
  readonly kernel: boolean;
}

/**
 * @param parts `kernel`, `services.NAME`, `packages.NAME`, or an option
 * @throws E_COMPOSE_PART, E_COMPOSE_ABSENT, E_COMPOSE_SAME
 */
export function select(parts: readonly string[], newer: Root, older: Root): Selection {
  const chosen = parts.map((part) => selectPart(part, newer, older));
  const selection = {
    grains: uniqueGrains(chosen.flatMap(({ grains }) => grains)).filter((grain) => differs(newer.system, older.system, grain)),
    packages: new Set(chosen.flatMap(({ packages }) => [...packages])),
    units: new Set(chosen.flatMap(({ units }) => [...units])),
    kernel: chosen.some(({ kernel }) => kernel),
  };
  refuseChangedServices(selection, newer, older);
  return selection;
}

const NONE: Selection = { grains: [], packages: new Set(), units: new Set(), kernel: false };

function selectPart(part: string, newer: Root, older: Root): Selection {
  if (part === "kernel") return selectKernel(newer, older);
  const [, kind, name] = /^(services|packages)\.(.+)$/.exec(part) ?? [];
  if (kind === "services" && name !== undefined) return selectService(part, unitName(name), { newer, older });
  if (kind === "packages" && name !== undefined) return { ...NONE, packages: new Set([presentPackage(name, newer, older)]) };
  const option = parseOption(part, newer.system, older.system);
  if ("refused" in option) throw unknownPart(part, option.refused);
  return { ...NONE, grains: "grain" in option ? [option.grain] : option.grains };
}

/** The kernel's packages have the version in their names, so one goes and another comes. */
function selectKernel(newer: Root, older: Root): Selection {
  const packages = new Set([newer, older].flatMap(kernelPackages));
  const grains: Grain[] = [["kernel.package"], ["kernel.arguments"], ["kernel.initrdModules"]];
  return { ...NONE, grains, packages, kernel: true };
}

function kernelPackages(root: Root): string[] {
  const meta = root.system.kernel.package;
  const names = [...root.database.packages.keys()];
  return names.filter((name) => name === meta || root.database.pathsOf(name).some((path) => path.startsWith("/usr/lib/modules/")));
}

/** The unit, the packages that were built with the one that brings it, and what the config says of it. */
function selectService(part: string, unit: string, { newer, older }: { readonly newer: Root; readonly older: Root }): Selection {
  for (const root of [newer, older])
    if (unitFile(root, unit) === undefined) throw absent(part, root === newer ? "this generation" : "the older generation");
  const packages = new Set([newer, older].flatMap((root) => servicePackages(root, unit)));
  const files = new Set([newer, older].flatMap((root) => serviceFiles(root, unit, packages)));
  const grains: Grain[] = [...files].map((grain) => JSON.parse(grain) as Grain);
  return { ...NONE, grains: [["units", unit], ...grains], packages, units: new Set([unit]) };
}

function servicePackages(root: Root, unit: string): string[] {
  const owners = root.database.ownersOf(unitFile(root, unit) ?? "");
  const sources = new Set(owners.map((name) => root.database.packages.get(name)?.source));
  return [...root.database.packages.values()].filter(({ source }) => sources.has(source)).map(({ name }) => name);
}

/** Grains as JSON, so that a set has each once. */
function serviceFiles(root: Root, unit: string, packages: ReadonlySet<string>): string[] {
  const stem = stemOf(unit);
  const about = (path: string): boolean =>
    path.startsWith(`/etc/${stem}/`) ||
    path.includes(`/systemd/system/${unit}.d/`) ||
    root.database.ownersOf(path).some((owner) => packages.has(owner));
  return (["files", "links", "directories"] as const).flatMap((option) =>
    Object.keys(root.system[option])
      .filter(about)
      .map((path) => JSON.stringify([option, path])),
  );
}

/** "nginx" of nginx.service, "getty" of getty@tty1.service. */
export function stemOf(unit: string): string {
  return unit.replace(/\.[a-z]+$/, "").replace(/@.*$/, "");
}

function presentPackage(name: string, newer: Root, older: Root): string {
  const [here, there] = [newer, older].map((root) => root.database.packages.has(name));
  if (here !== true && there !== true) throw unknownPart(`packages.${name}`, `neither generation has a package ${name}`);
  return name;
}

/** sshd and networkd bring accounts, keys and state with them: they are there in both or in none. */
function refuseChangedServices({ grains }: Selection, newer: Root, older: Root): void {
  const chosen = (name: string): boolean => grains.some(([option]) => option === name);
  const runs = {
    ssh: (root: Root) => root.system.ssh.enable,
    network: (root: Root) => Object.keys(root.system.network.interfaces).length > 0,
  };
  for (const [name, enabled] of Object.entries(runs))
    if (chosen(name) && enabled(newer) !== enabled(older)) throw absent(name, enabled(newer) ? "the older generation" : "this generation");
}

function uniqueGrains(grains: readonly Grain[]): Grain[] {
  return [...new Map(grains.map((grain) => [JSON.stringify(grain), grain])).values()];
}

/** The values that a selection changes, for people. */
export function describeGrain(
  grain: Grain,
  newer: Root,
  older: Root,
): { readonly option: string; readonly from: unknown; readonly to: unknown } {
  return { option: grain.join("."), from: valueOf(newer.system, grain) ?? null, to: valueOf(older.system, grain) ?? null };
}

function absent(part: string, who: string): AshlarError<ComposeErrorCode> {
  return new AshlarError("E_COMPOSE_ABSENT", `${who} does not have ${part}, so there is nothing to go back to by itself`, {
    hint: "go back as a whole (`ashlar rollback`); nothing was changed",
    details: { part },
  });
}

function unknownPart(part: string, why: string): AshlarError<ComposeErrorCode> {
  return new AshlarError("E_COMPOSE_PART", `${part}: ${why}`, {
    hint: "parts are kernel, services.NAME, packages.NAME, and options such as files./etc/motd, users.ada or sysctl; nothing was changed",
    details: { part },
  });
}
