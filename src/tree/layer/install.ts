/** Packages on top of a base, by the base's own dpkg: it knows who replaces whom, what is diverted, and which triggers wait. */
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { readDebControl } from "#formats/deb.ts";
import type { LockedPackage } from "#lock/lock.ts";
import type { Step } from "#report/reporter.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { DPKG_DATABASE } from "../normalise/database.ts";
import { configurationOrder } from "../install/order.ts";
import type { Shortcuts } from "../install/shortcuts.ts";
import { configurePackages, configurePending, unpackWithDpkg } from "../install/scripts.ts";
import { controlField } from "../install/unpacked.ts";
import type { UnpackedPackage } from "../install/unpacked.ts";

export interface LayerInstall {
  /** The writable root. */
  readonly root: string;
  readonly packages: readonly LockedPackage[];
  /** sha256 to the verified archive. */
  readonly archives: ReadonlyMap<string, string>;
  readonly toolchain: Toolchain;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number;
  /** A folder for this call alone. */
  readonly work: string;
}

/** Installs in an order that only the packages decide. @throws E_TREE_SCRIPT_FAILED, E_DEB_SYNTAX */
export async function installOnBase({ root, packages, archives, toolchain, epoch, work }: LayerInstall, step: Step): Promise<void> {
  const ordered = configurationOrder(await Promise.all(packages.map((locked) => describe(archives.get(locked.sha256) ?? ""))));
  const folder = join(work, "debs");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    const names = ordered.map((each) => {
      const locked = packages.find(({ name, architecture }) => name === each.name && architecture === each.architecture);
      const name = `${each.name}_${each.architecture}.deb`;
      place(archives.get(locked?.sha256 ?? "") ?? "", join(folder, name));
      return `/mnt/${name}`;
    });
    // Without it dpkg takes itself for new here, and runs every trigger of every package of the base.
    writeFileSync(join(root, DPKG_DATABASE, "triggers/Unincorp"), "");
    const context = { root, toolchain, epoch, step, shortcuts: surroundings(root, toolchain, join(folder, "empty")) };
    await unpackWithDpkg(names, folder, context);
    await configurePackages(ordered, context);
    await configurePending(context);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Units are enabled by links in an image, so that a preset of its own disables all others; packages are installed without it. */
const PRESET = "usr/lib/systemd/system-preset/00-ashlar.preset";
const EATMYDATA = "usr/lib/x86_64-linux-gnu/libeatmydata.so.1";

/** Nothing in the folder has to survive a power cut, so nobody waits for the disk. */
function surroundings(root: string, toolchain: Toolchain, empty: string): Shortcuts {
  writeFileSync(empty, "");
  const to = "/run/ashlar/libeatmydata.so.1";
  return {
    binds: [
      { from: join(toolchain.root, EATMYDATA), to, readonly: true },
      ...(existsSync(join(root, PRESET)) ? [{ from: empty, to: `/${PRESET}`, readonly: true }] : []),
    ],
    env: { LD_PRELOAD: to },
  };
}

/** What ordering needs to know of a package that dpkg will unpack. */
async function describe(archive: string): Promise<UnpackedPackage> {
  const { controlText, members } = await readDebControl(readFileSync(archive));
  const field = (name: string): string => controlField(controlText, name) ?? "";
  return {
    name: field("Package"),
    architecture: field("Architecture"),
    version: field("Version"),
    control: controlText,
    members,
    list: [],
    directories: [],
    clashes: [],
  };
}

function place(archive: string, path: string): void {
  try {
    linkSync(archive, path);
  } catch (error) {
    if (!hasErrno(error, "EXDEV") && !hasErrno(error, "EPERM")) throw error;
    copyFileSync(archive, path);
  }
}
