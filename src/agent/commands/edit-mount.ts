/**
 * The writable overlay over /usr: lower is the running /usr, upper lies in memory. It is the second overlay of two that the
 * kernel stacks (FILESYSTEM_MAX_STACK_DEPTH), so a second session works in the one that is there.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DriftErrorCode } from "#drift/errors.ts";
import { holdersOf } from "#drift/holders.ts";
import type { Holder } from "#drift/holders.ts";
import { EDIT_SOURCE, writeSession } from "#drift/session.ts";
import type { SessionRecord } from "#drift/session.ts";
import { AshlarError, messageOf } from "#errors";
import { parseMountinfo, topmostMount } from "#formats/mountinfo.ts";
import { exec } from "#sys/exec.ts";

/**
 * @param folder /run/ashlar/edit
 * @throws E_EDIT_MOUNT; nothing is mounted then
 */
export async function mountEdit(folder: string, record: SessionRecord): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  for (const name of ["upper", "work"]) mkdirSync(join(folder, name), { mode: 0o755 });
  writeSession(folder, record);
  const options = `lowerdir=/usr,upperdir=${folder}/upper,workdir=${folder}/work`;
  const inside = await holdMountsInside(folder);
  try {
    await exec("mount", ["-t", "overlay", EDIT_SOURCE, "/usr", "-o", options]);
    for (const { held, path } of inside) await exec("mount", ["--bind", held, path]);
  } catch (cause) {
    for (const { held } of inside) await exec("umount", ["--lazy", held]);
    rmSync(folder, { recursive: true, force: true });
    throw new AshlarError<DriftErrorCode>("E_EDIT_MOUNT", `/usr cannot be made writable: ${messageOf(cause)}`, {
      cause,
      hint: "`findmnt /usr` shows what lies there already",
    });
  }
  for (const { held } of inside) await exec("umount", [held]);
}

/** An overlay shows of its lower folder only that file system: what is mounted inside must be mounted there again. */
async function holdMountsInside(folder: string): Promise<{ held: string; path: string }[]> {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const paths = [...new Set(mounts.map(({ path }) => path).filter((path) => path.startsWith("/usr/")))].sort();
  const inside = paths.map((path, index) => ({ path, held: join(folder, `inside-${index}`) }));
  for (const { path, held } of inside) {
    if (statSync(path).isDirectory()) mkdirSync(held);
    else writeFileSync(held, "");
    await exec("mount", ["--bind", path, held]);
  }
  return inside;
}

/** Takes the overlay away in one step; who still uses it keeps what it has open. @returns those processes */
export async function unmountEdit(folder: string): Promise<Holder[]> {
  const mount = topmostMount(parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")), "/usr");
  if (mount?.source !== EDIT_SOURCE) return [];
  await exec("umount", ["--lazy", "/usr"]);
  const holders = holdersOf(mount.id);
  rmSync(folder, { recursive: true, force: true });
  return holders;
}
