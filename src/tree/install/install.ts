/**
 * Installs a lock's packages into an empty folder, in one transaction: unpack all, run the preinsts, configure all.
 *
 * Two ways lead to the same tree (a test holds them equal): the quick one unpacks by itself; the plain one lets dpkg do
 * it. The quick one steps back by itself when two packages have the same file, because who wins is then dpkg's business.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LockedPackage } from "#lock/lock.ts";
import type { Step } from "#report/reporter.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { isEssential, writeDatabase } from "./database.ts";
import { configurationOrder } from "./order.ts";
import { configurePackages, runPreinsts, unpackWithDpkg } from "./scripts.ts";
import { ownDirectories, unpackAll } from "./unpack.ts";
import type { UnpackedPackage } from "./unpacked.ts";
import { placeHostKeys, shortcutsFor } from "./shortcuts.ts";
import type { ShiftedClock } from "./shortcuts.ts";

export interface InstallRequest {
  /** An empty folder of the build host. */
  readonly root: string;
  readonly packages: readonly LockedPackage[];
  /** sha256 to the verified archive. */
  readonly archives: ReadonlyMap<string, string>;
  readonly toolchain: Toolchain;
  readonly architecture: string;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch: number;
  readonly locale: string;
  readonly plain?: boolean;
  readonly workers?: number;
  /** Only with the quick way. */
  readonly clock?: ShiftedClock;
}

/** @throws E_TREE_SCRIPT_FAILED and what reading packages throws */
export async function installPackages(request: InstallRequest, step: Step): Promise<void> {
  const { root } = request;
  let packages = await step.step("unpack packages", (inner) => unpack(request, inner));
  const clashes = packages.flatMap((unpacked) => unpacked.clashes);
  const plain = request.plain === true || clashes.length > 0;
  packages = configurationOrder(packages);
  const context = {
    root,
    toolchain: request.toolchain,
    epoch: request.epoch,
    ...(plain ? {} : { shortcuts: shortcutsFor(root, request.toolchain, request.clock) }),
  };
  if (plain) {
    if (clashes.length > 0) step.note("info", `several packages have ${clashes[0]}: dpkg unpacks, to decide who wins`);
    await step.step("unpack packages with dpkg", (inner) => unpackPlainly(request, packages, { ...context, step: inner }));
  } else {
    prepareRoot(root, packages, request.architecture);
    await step.step("run preinst scripts", (inner) => runPreinsts(packages, { ...context, step: inner }));
  }
  await step.step("configure packages", (inner) => configurePackages(packages, { ...context, step: inner }));
  if (!/^(C|POSIX)(\.UTF-8)?$/.test(request.locale)) await step.step("generate the locale", () => generateLocale(request));
}

function unpack(request: InstallRequest, step: Step): Promise<UnpackedPackage[]> {
  const files = request.packages.map((locked) => ({
    name: locked.name,
    path: request.archives.get(locked.sha256) ?? "",
    size: locked.size,
  }));
  const first = files.find((file) => file.name === "base-files");
  if (first === undefined) throw new RangeError("a lock without base-files cannot be installed");
  return unpackAll(
    request.root,
    first,
    files.filter((file) => file !== first),
    { step, ...(request.workers === undefined ? {} : { workers: request.workers }) },
  );
}

function prepareRoot(root: string, packages: readonly UnpackedPackage[], architecture: string): void {
  ownDirectories(root, packages);
  writeDatabase(root, packages, architecture);
  placeHostKeys(root);
}

/** What debootstrap does: the essential packages' files make dpkg runnable, then dpkg unpacks everything over them. */
async function unpackPlainly(
  request: InstallRequest,
  packages: readonly UnpackedPackage[],
  context: Parameters<typeof unpackWithDpkg>[2],
): Promise<void> {
  const essential = closureOfEssential(packages);
  rmSync(request.root, { recursive: true, force: true });
  mkdirSync(request.root, { mode: 0o755 });
  const byName = new Map(request.packages.map((locked) => [locked.name, locked]));
  const archiveOf = (unpacked: UnpackedPackage): string => request.archives.get(byName.get(unpacked.name)?.sha256 ?? "") ?? "";
  const [first, ...rest] = ["base-files", ...essential.map((unpacked) => unpacked.name).filter((name) => name !== "base-files")]
    .map((name) => packages.find((unpacked) => unpacked.name === name))
    .filter((unpacked) => unpacked !== undefined);
  if (first === undefined) throw new RangeError("a lock without base-files cannot be installed");
  const unpacked = await unpackAll(
    request.root,
    { path: archiveOf(first), size: 0 },
    rest.map((unpacked) => ({ path: archiveOf(unpacked), size: 0 })),
    { step: context.step },
  );
  ownDirectories(request.root, unpacked);
  writeDatabase(request.root, [], request.architecture);
  const folder = dirname(archiveOf(first));
  await unpackWithDpkg(
    packages.map((unpacked) => `/mnt/${basename(archiveOf(unpacked))}`),
    folder,
    context,
  );
}

function closureOfEssential(packages: readonly UnpackedPackage[]): UnpackedPackage[] {
  const essential = packages.filter(isEssential);
  const last = Math.max(...essential.map((unpacked) => packages.indexOf(unpacked)));
  // `packages` is in dependency order: whatever an essential package depends on comes before it.
  return packages.slice(0, last + 1);
}

async function generateLocale(request: InstallRequest): Promise<void> {
  const charset = request.locale.split(".")[1]?.split("@")[0] ?? "UTF-8";
  writeFileSync(join(request.root, "etc/locale.gen"), `${request.locale} ${charset}\n`);
  await runInToolchain(request.toolchain, "/usr/sbin/locale-gen", [], {
    root: request.root,
    hostname: "localhost",
    env: { PATH: "/usr/sbin:/usr/bin", LC_ALL: "C.UTF-8" },
    tmpfs: ["/tmp", "/run"],
  });
}
