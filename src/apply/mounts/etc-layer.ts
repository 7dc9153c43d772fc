/** A fresh upper layer for /etc with all that the current one has: files, whiteouts, owners and extended attributes. */
import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";

/** Somebody may write meanwhile: then it is copied again, but not for ever. */
const PASSES = 5;

/**
 * Copies an upper layer. Two overlays on one upper layer are undefined, so each has its own.
 * @param from undefined when there is none: the copy is empty
 */
export async function copyUpper(from: string | undefined, to: string): Promise<void> {
  for (let pass = 0; pass < PASSES; pass++) {
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { mode: 0o755 });
    if (from === undefined) return;
    const before = factsOf(from);
    await exec("cp", ["-a", "--", `${from}/.`, to]);
    if (factsOf(from) === before) return;
  }
}

function factsOf(folder: string): string {
  const lines = readdirSync(folder, { recursive: true, encoding: "latin1" }).map((name) => {
    const stat = lstatSync(Buffer.from(join(folder, name), "latin1"), { throwIfNoEntry: false });
    return `${name} ${stat?.ino} ${stat?.mode} ${stat?.size} ${stat?.mtimeMs} ${stat?.ctimeMs}`;
  });
  return lines.sort().join("\n");
}
