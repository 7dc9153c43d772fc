/** What `ashlar state keep` remembers: paths below /var that an ephemeral /var carries over, and that are known from then on. */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "#deployment/machine.ts";
import { AshlarError } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { StateErrorCode } from "./errors.ts";
import { statePaths } from "./paths.ts";
import { readStateText } from "./read.ts";

/** Sorted. */
export function keptPaths(machine: Pick<Machine, "sysroot">): string[] {
  return (readStateText(statePaths(machine).kept) ?? "").split("\n").filter((line) => line !== "");
}

/**
 * @returns false when it was kept already
 * @throws E_STATE_PATH for a path that is not below /var or /home, is not there, or that a line cannot hold
 */
export function keepPath(machine: Pick<Machine, "root" | "sysroot">, path: string): boolean {
  if (
    !/^\/(var|home)\/[^\0\n\r]+$/.test(path) ||
    path
      .split("/")
      .slice(1)
      .some((part) => part === "" || part === "." || part === "..")
  )
    throw wrongPath(`${JSON.stringify(path)} is no path below /var or /home in its shortest form`, path);
  if (lstatSync(join(machine.root, path), { throwIfNoEntry: false }) === undefined) throw wrongPath(`there is no ${path}`, path);
  return update(machine, (paths) => paths.add(path));
}

/** @returns false when it was not kept */
export function forgetPath(machine: Pick<Machine, "sysroot">, path: string): boolean {
  return update(machine, (paths) => void paths.delete(path));
}

function update(machine: Pick<Machine, "sysroot">, change: (paths: Set<string>) => void): boolean {
  const before = keptPaths(machine);
  const paths = new Set(before);
  change(paths);
  if (paths.size === before.length) return false;
  writeFileAtomic(
    statePaths(machine).kept,
    [...paths]
      .sort()
      .map((path) => `${path}\n`)
      .join(""),
  );
  return true;
}

function wrongPath(message: string, path: string): AshlarError<StateErrorCode> {
  return new AshlarError("E_STATE_PATH", message, { hint: "`ashlar state unknown` lists what could be kept", details: { path } });
}
