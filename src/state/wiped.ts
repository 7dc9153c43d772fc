/** The trees that an ephemeral /var left behind: /state/wiped/NNNNNN/var, made by the initrd. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Machine } from "#deployment/machine.ts";
import { AshlarError } from "#errors";
import { syncFileSystem } from "#sys/syncfs.ts";
import { copyTree, requireRoom } from "./copy.ts";
import type { StateErrorCode } from "./errors.ts";
import { onDisk, statePaths } from "./paths.ts";
import { namesIfThere } from "#sys/if-there.ts";

export interface WipedTree {
  readonly number: number;
  /** Seconds since 1970 of the start that wiped it. */
  readonly at: number;
  /** Where it can be looked at. */
  readonly path: string;
}

/** Oldest first. */
export function wipedTrees(machine: Pick<Machine, "sysroot">): WipedTree[] {
  const home = statePaths(machine).wiped;
  return namesIfThere(home)
    .filter((name) => /^\d{6}$/.test(name) && existsSync(join(home, name, "var")))
    .map((name) => ({
      number: Number(name),
      at: Math.floor(statSync(join(home, name)).ctimeMs / 1000),
      path: join("/state/wiped", name, "var"),
    }));
}

/**
 * Copies a path of a wiped tree back to where it was.
 * @param path below /var
 * @param number of the tree; the newest that has the path when absent
 * @returns the tree that it came from
 * @throws E_STATE_NONE, E_STATE_EXISTS when something is there already, E_STATE_SPACE
 */
export async function recoverPath(machine: Pick<Machine, "sysroot">, path: string, number?: number): Promise<WipedTree> {
  if (!/^\/var\/[^\0]+$/.test(path) || path.split("/").includes(".."))
    throw new AshlarError<StateErrorCode>("E_STATE_PATH", `${JSON.stringify(path)} is no path below /var`, {
      hint: "ashlar state recover N /var/lib/…",
    });
  const home = statePaths(machine).wiped;
  const inTree = (tree: WipedTree): string => join(home, String(tree.number).padStart(6, "0"), path);
  const tree = wipedTrees(machine).findLast((each) => (number === undefined || each.number === number) && existsSync(inTree(each)));
  if (tree === undefined)
    throw new AshlarError<StateErrorCode>("E_STATE_NONE", `no wiped tree${number === undefined ? "" : ` ${number}`} has ${path}`, {
      hint: "`ashlar state recover` lists the trees",
      details: { path, number },
    });
  const target = onDisk(machine, path);
  if (existsSync(target))
    throw new AshlarError<StateErrorCode>("E_STATE_EXISTS", `${path} exists; nothing was changed`, {
      hint: `move it away first, or copy what you need by hand from ${tree.path}`,
      details: { path },
    });
  requireRoom([inTree(tree)], statePaths(machine).wiped, `a copy of ${path}`);
  mkdirSync(dirname(target), { recursive: true });
  await copyTree(inTree(tree), target);
  syncFileSystem(dirname(target));
  return tree;
}
