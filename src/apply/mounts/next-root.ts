/**
 * The whole tree of a generation at /run/nextroot, where systemd takes it for a soft-reboot: image, a fresh /etc with the
 * declared state, and the mutable folders as they are. The same recipe as `mount.sh`, docs/formats/boot.md.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "#sys/exec.ts";
import { attachCopy, makePrivate } from "#sys/mount-tree.ts";
import { mountFileSystem, unmount } from "#sys/mount.ts";
import { mountImage } from "./image.ts";
import { readMounts } from "./seen.ts";

const NEXT_ROOT = "/run/nextroot";
/** As in `mount.sh`: one for all generations. */
const SHARED = ["var", "home", "root", "srv", "state", "sysroot"];

export interface NextRoot {
  readonly store: string;
  readonly digest: string;
  readonly readonlyEtc: boolean;
}

/** @throws E_APPLY_IMAGE, a system error; nothing is left at /run/nextroot then */
export async function prepareNextRoot({ store, digest, readonlyEtc }: NextRoot): Promise<void> {
  clearNextRoot();
  // What changed last must be in /state/etc before it is copied from there. Systems without declared state have no such unit.
  await exec("systemctl", ["start", "ashlar-state-save.service"], { allowFailure: true });
  try {
    mountImage(store, digest, NEXT_ROOT);
    makePrivate(NEXT_ROOT);
    // Each start has a layer of its own: the one before is in use until all of its programs have ended.
    mkdirSync("/run/ashlar", { recursive: true });
    const layer = mkdtempSync("/run/ashlar/etc-");
    for (const part of ["upper", "work"]) mkdirSync(join(layer, part), { mode: 0o755 });
    const etc = join(NEXT_ROOT, "etc");
    mountFileSystem({
      source: "ashlar-etc",
      target: etc,
      type: "overlay",
      data: `lowerdir=${etc},upperdir=${layer}/upper,workdir=${layer}/work`,
      setuid: true,
    });
    await seedEtc(etc);
    if (readonlyEtc) await exec("mount", ["-o", "remount,ro", etc]);
    for (const name of SHARED) attachCopy(`/${name}`, join(NEXT_ROOT, name), "over");
  } catch (error) {
    clearNextRoot();
    throw error;
  }
}

/** Also what an earlier soft-reboot left. */
export function clearNextRoot(): void {
  for (const { path } of readMounts().reverse()) if (path === NEXT_ROOT || path.startsWith(`${NEXT_ROOT}/`)) unmount(path);
  // Never with what is in it: /var and all of /home could still be mounted there.
  if (existsSync(NEXT_ROOT)) rmdirSync(NEXT_ROOT);
}

/** The declared files of /state/etc, and the machine's id. */
async function seedEtc(etc: string): Promise<void> {
  const kept = "/sysroot/state/etc";
  const declared = readFileSync(join(NEXT_ROOT, "usr/lib/ashlar/state-etc"), "utf8").split("\n");
  for (const path of new Set(["machine-id", ...declared])) {
    if (path === "" || !existsSync(join(kept, path))) continue;
    mkdirSync(dirname(join(etc, path)), { recursive: true });
    // A folder replaces the image's one: what was deleted from it stays deleted.
    rmSync(join(etc, path), { recursive: true, force: true });
    await exec("cp", ["-a", "--", join(kept, path), join(etc, path)]);
  }
}
