/** What changes from one lock to another. */
import { compareVersions } from "#formats/debversion.ts";
import type { Lock, LockedPackage } from "./lock.ts";

export interface PackageChange {
  readonly name: string;
  readonly architecture: string;
  /** Versions; absent on the side that does not have the package. */
  readonly from?: string;
  readonly to?: string;
  /** How many bytes of .deb more (or, negative, fewer). */
  readonly size: number;
}

export interface LockDifference {
  readonly added: readonly PackageChange[];
  readonly removed: readonly PackageChange[];
  readonly upgraded: readonly PackageChange[];
  readonly downgraded: readonly PackageChange[];
  /** The same version with other content. */
  readonly rebuilt: readonly PackageChange[];
}

/** Packages by name and architecture, each list sorted by name. Without a first lock everything is added. */
export function lockDifference(from: Lock | undefined, to: Lock): LockDifference {
  const before = new Map((from?.packages ?? []).map((locked) => [keyOf(locked), locked]));
  const after = new Map(to.packages.map((locked) => [keyOf(locked), locked]));
  const result: Record<keyof LockDifference, PackageChange[]> = { added: [], removed: [], upgraded: [], downgraded: [], rebuilt: [] };
  for (const key of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const kind = kindOf(before.get(key), after.get(key));
    if (kind !== undefined) result[kind].push(changeOf(before.get(key), after.get(key)));
  }
  return result;
}

function kindOf(before: LockedPackage | undefined, after: LockedPackage | undefined): keyof LockDifference | undefined {
  if (before === undefined) return "added";
  if (after === undefined) return "removed";
  const order = compareVersions(before.version, after.version);
  if (order !== 0) return order < 0 ? "upgraded" : "downgraded";
  return before.sha256 === after.sha256 ? undefined : "rebuilt";
}

function changeOf(before: LockedPackage | undefined, after: LockedPackage | undefined): PackageChange {
  const { name = "", architecture = "" } = after ?? before ?? {};
  return {
    name,
    architecture,
    ...(before === undefined ? {} : { from: before.version }),
    ...(after === undefined ? {} : { to: after.version }),
    size: (after?.size ?? 0) - (before?.size ?? 0),
  };
}

const keyOf = ({ name, architecture }: LockedPackage): string => `${name}:${architecture}`;
