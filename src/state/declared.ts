/**
 * Every path at which a machine keeps data, and who said so:
 *
 *   config     state.var, state.schemas, state.etc, users' homes
 *   machine    `ashlar state keep`
 *   units      StateDirectory=, CacheDirectory=, LogsDirectory=
 *   packages   tmpfiles.d, which also has what packages put into /var when the image was built
 *   system     /home, /root, /srv, /state
 */
import type { System } from "#config/system.ts";
import type { RootReader } from "./root-reader.ts";
import { packageOwners } from "./packages.ts";
import { tmpfilesPaths } from "./tmpfiles.ts";
import { unitDirectories } from "./unit-directories.ts";

export type StateClass = "state" | "cache" | "log" | "ephemeral";

export interface DeclaredPath {
  /** Absolute. */
  readonly path: string;
  readonly class: StateClass;
  /** What said so: "state.var", "nginx.service", "tmpfiles.d/nginx.conf", "ashlar state keep". */
  readonly by: string;
  /** Unit that uses it. */
  readonly service?: string;
  /** Package that brought it. */
  readonly package?: string;
}

/** Folders that only hold those of others: what lies directly in one belongs to nobody by that alone. */
const CONTAINERS = new Set([
  "/home",
  "/var",
  "/var/backups",
  "/var/cache",
  "/var/cache/private",
  "/var/lib",
  "/var/lib/misc",
  "/var/lib/private",
  "/var/local",
  "/var/log",
  "/var/log/private",
  "/var/opt",
  "/var/spool",
]);

const PRIVATE = /^\/var\/(lib|cache|log)\//;

/** True for folders that never stand for what is in them. */
export function isContainer(path: string): boolean {
  return CONTAINERS.has(path);
}

/**
 * All declared paths, each once, sorted. A path that several declare has the class that the most specific one gives it: config,
 * then machine, unit, package.
 * @param kept paths of `ashlar state keep`
 */
export function declaredPaths(root: RootReader, system: System, kept: readonly string[] = []): DeclaredPath[] {
  return declaredBy(root, system, { kept, owners: packageOwners(root) });
}

/** {@link declaredPaths} without asking which package brought what, which takes most of the time. */
export function declaredPathNames(root: RootReader, system: System): ReadonlySet<string> {
  return new Set(declaredBy(root, system, { kept: [], owners: new Map() }).map(({ path }) => path));
}

function declaredBy(
  root: RootReader,
  system: System,
  { kept, owners }: { readonly kept: readonly string[]; readonly owners: ReadonlyMap<string, string> },
): DeclaredPath[] {
  const found = new Map<string, DeclaredPath>();
  const declare = (item: DeclaredPath): void => {
    const before = found.get(item.path);
    found.set(item.path, { ...before, ...item });
  };
  for (const item of SYSTEM) declare(item);
  for (const { path, file, mentions } of tmpfilesPaths(root)) {
    if (!/^\/(var|srv|root|home)\//.test(path) || CONTAINERS.has(path)) continue;
    const owner = owners.get(path) ?? mentions.map((name) => owners.get(`/usr/lib/tmpfiles.d/${name}`)).find((name) => name !== undefined);
    declare({ path, class: classByPlace(path), by: `tmpfiles.d/${file}`, ...(owner === undefined ? {} : { package: owner }) });
  }
  for (const { path, unit, class: kind, file, dynamicUser } of unitDirectories(root)) {
    const owner = owners.get(file);
    const item: DeclaredPath = { path, class: kind, by: unit, service: unit, ...(owner === undefined ? {} : { package: owner }) };
    declare(item);
    // With DynamicUser=, the folder itself lies here and the other name is a link to it.
    if (dynamicUser && PRIVATE.test(path)) declare({ ...item, path: path.replace(PRIVATE, "/var/$1/private/") });
  }
  for (const path of kept) declare({ path, class: "state", by: "ashlar state keep" });
  for (const item of configured(system)) declare(item);
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The declared path that a path belongs to: itself, or the nearest one above it. */
export function declaringOf(path: string, declared: ReadonlyMap<string, DeclaredPath>): DeclaredPath | undefined {
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = declared.get(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

const SYSTEM: readonly DeclaredPath[] = [
  { path: "/root", class: "state", by: "Ashlar" },
  { path: "/srv", class: "state", by: "Ashlar" },
  { path: "/state/ashlar", class: "state", by: "Ashlar" },
  { path: "/state/etc", class: "state", by: "state.etc" },
  { path: "/var/.updated", class: "cache", by: "systemd", package: "systemd" },
  { path: "/var/lib/systemd", class: "state", by: "systemd", package: "systemd" },
];

function configured({ users, state }: System): DeclaredPath[] {
  return [
    ...Object.values(users).flatMap(({ home }): DeclaredPath[] =>
      home.startsWith("/home/") ? [{ path: home, class: "state", by: "users" }] : [],
    ),
    ...(state.etcMode === "persistent" ? [{ path: "/state/etc-overlay", class: "state", by: "state.etcMode" } as const] : []),
    ...(Object.keys(state.schemas).length > 0 ? [{ path: "/state/snapshots", class: "state", by: "state.schemas" } as const] : []),
    ...(state.varMode === "ephemeral" ? [{ path: "/state/wiped", class: "ephemeral", by: "state.wiped" } as const] : []),
    ...Object.entries(state.var).map(([path, kind]): DeclaredPath => ({ path, class: kind, by: "state.var" })),
    ...Object.entries(state.schemas).flatMap(([service, { paths }]) =>
      paths.map((path): DeclaredPath => ({ path, class: "state", by: "state.schemas", service })),
    ),
  ];
}

/** The File Hierarchy Standard 3.0, chapter 5, says what is where. */
function classByPlace(path: string): StateClass {
  if (path.startsWith("/var/cache/")) return "cache";
  if (path.startsWith("/var/log/")) return "log";
  return /^\/var\/(tmp|run|lock)(\/|$)/.test(path) ? "ephemeral" : "state";
}
