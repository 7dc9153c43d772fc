/**
 * Whether the connection to the world costs by volume. In this order: what the config says of the interface with the default
 * route, what NetworkManager says or guesses, and that mobile networks do.
 */
import { join } from "node:path";
import type { System } from "#config/system.ts";
import { exec } from "#sys/exec.ts";
import { textIfThere } from "#sys/if-there.ts";

export interface Metered {
  readonly metered: boolean;
  /** Of which interface, and who says so. */
  readonly why: string;
}

/** @param root "/" on a machine */
export async function isMetered(root: string, { network }: Pick<System, "network">): Promise<Metered> {
  const interfaces = defaultInterfaces(
    textIfThere(join(root, "proc/net/route")) ?? "",
    textIfThere(join(root, "proc/net/ipv6_route")) ?? "",
  );
  const [name] = interfaces;
  if (name === undefined) return { metered: false, why: "there is no default route" };
  const spec = Object.values(network.interfaces).find(({ match, metered }) => metered !== undefined && matches(match, name));
  if (spec?.metered !== undefined) return { metered: spec.metered, why: `${name}: the config says so` };
  const manager = root === "/" ? await askNetworkManager() : undefined;
  if (manager !== undefined)
    return { metered: manager === 1 || manager === 3, why: `${name}: NetworkManager ${MANAGER_SAYS[manager] ?? "says so"}` };
  // systemd.net-naming-scheme(7): ww is a wireless wide area network.
  return name.startsWith("ww")
    ? { metered: true, why: `${name} is a mobile network` }
    : { metered: false, why: `${name}: nothing says that it is` };
}

/** NMMetered, https://networkmanager.dev/docs/api/latest/nm-dbus-types.html#NMMetered */
const MANAGER_SAYS: Readonly<Record<number, string>> = {
  1: "says that it is",
  2: "says that it is not",
  3: "guesses that it is",
  4: "guesses that it is not",
};

/** Undefined when it does not run, or does not know. */
async function askNetworkManager(): Promise<number | undefined> {
  const object = ["org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager"];
  const { exitCode, stdout } = await exec("busctl", ["--auto-start=no", "--timeout=5", "get-property", ...object, "Metered"], {
    allowFailure: true,
    timeout: 10_000,
  });
  const value = exitCode === 0 ? Number(/^u ([0-4])$/m.exec(stdout.toString())?.[1] ?? 0) : 0;
  return value === 0 ? undefined : value;
}

/** RTF_UP of <linux/route.h>. */
const UP = 1;

/** Interfaces with a default route, the preferred first. @param v4 /proc/net/route @param v6 /proc/net/ipv6_route */
export function defaultInterfaces(v4: string, v6: string): string[] {
  const routes = [
    ...v4.split("\n").flatMap((line) => {
      const [name = "", target, , flags = "", , , metric = "", mask] = line.split(/\s+/);
      return target === "00000000" && mask === "00000000" ? [{ name, flags: Number.parseInt(flags, 16), metric: Number(metric) }] : [];
    }),
    ...v6.split("\n").flatMap((line) => {
      const [target, length, , , , metric = "", , , flags = "", name = ""] = line.trim().split(/\s+/);
      const found = { name, flags: Number.parseInt(flags, 16), metric: Number.parseInt(metric, 16) };
      return target === "0".repeat(32) && length === "00" ? [found] : [];
    }),
  ];
  const up = routes.filter(({ name, flags }) => (flags & UP) !== 0 && name !== "lo");
  return [...new Set(up.toSorted((a, b) => a.metric - b.metric).map(({ name }) => name))];
}

/** systemd.network(5), Match: names or shell patterns, separated by blanks; a "!" before the first turns all around. */
function matches(patterns: string, name: string): boolean {
  const inverted = patterns.startsWith("!");
  const hit = patterns
    .replace(/^!/, "")
    .split(/\s+/)
    .some((pattern) => globOf(pattern).test(name));
  return hit !== inverted;
}

function globOf(pattern: string): RegExp {
  const body = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".")
    .replace(/\\\[(!?)([^\\]+)\\\]/g, (_all, not: string, set: string) => `[${not === "" ? "" : "^"}${set}]`);
  return new RegExp(`^${body}$`);
}
