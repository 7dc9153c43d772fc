/** Packages by their sha256: from the cache, else from the mirror, verified while they arrive. */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import type { Reporter, Step } from "#report/reporter.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { Workspace } from "#workspace";
import { suiteRoot } from "./suites.ts";
import { BUILTIN, builtinPackage } from "./builtin.ts";
import { archiveError } from "./errors.ts";
import { get } from "./http.ts";
import type { LockedPackage } from "#lock/lock.ts";
import { writeAll } from "#sys/write-all.ts";
import { findMirror } from "./mirror.ts";
import type { Mirror } from "./mirror.ts";
import { sha256Of } from "./snapshot.ts";

export interface FetchContext {
  readonly workspace: Workspace;
  readonly report: Reporter;
  /** This machine's mirror unless given. */
  readonly mirror?: Mirror;
}

const PARALLEL = 8;

/**
 * Makes all packages present in the cache and returns sha256 → path of the .deb. What is there is verified again and
 * replaced when it is damaged. No network is used when nothing is missing.
 * @throws E_PACKAGE_GONE (the mirror no longer has it), E_PACKAGE_HASH, E_ARCHIVE_UNREACHABLE, E_MIRROR_UNKNOWN
 */
export async function fetchPackages(packages: readonly LockedPackage[], context: FetchContext): Promise<Map<string, string>> {
  return context.report.step("fetch packages", async (step) => {
    const paths = new Map(packages.map(({ sha256 }) => [sha256, join(context.workspace.packages, `${sha256}.deb`)]));
    mkdirSync(context.workspace.packages, { recursive: true });
    const missing = packages.filter((locked) => !isPresent(locked, paths.get(locked.sha256) ?? ""));
    if (missing.length === 0) {
      step.cached();
      return paths;
    }
    const mirror = missing.every(({ archive }) => archive === BUILTIN) ? undefined : (context.mirror ?? findMirror());
    const progress = trackBytes(missing, step);
    const queue = [...missing];
    const abort = new AbortController();
    const worker = async (): Promise<void> => {
      for (let locked = queue.shift(); locked !== undefined; locked = queue.shift()) {
        const path = paths.get(locked.sha256) ?? "";
        if (locked.archive === BUILTIN) placeBuiltin(locked, path);
        else if (mirror !== undefined) await download(locked, path, { mirror, signal: abort.signal, onBytes: progress });
      }
    };
    try {
      await Promise.all(Array.from({ length: PARALLEL }, worker));
    } catch (error) {
      // The other seven stop; what they finished stays in the cache.
      queue.length = 0;
      abort.abort(error);
      throw error;
    }
    step.detail(`${missing.length} of ${packages.length} packages fetched`);
    return paths;
  });
}

function trackBytes(missing: readonly LockedPackage[], step: Step): (bytes: number) => void {
  const total = missing.reduce((sum, { size }) => sum + size, 0);
  let received = 0;
  return (bytes) => step.progress((received += bytes), total, "bytes");
}

function isPresent(locked: LockedPackage, path: string): boolean {
  try {
    const content = readFileSync(path);
    return content.length === locked.size && sha256Of(content) === locked.sha256;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false;
    throw error;
  }
}

function placeBuiltin(locked: LockedPackage, path: string): void {
  const { content, locked: own } = builtinPackage();
  if (own.sha256 !== locked.sha256)
    throw archiveError("E_PACKAGE_GONE", `this Ashlar makes ${own.name} as ${own.sha256}, the lock wants ${locked.sha256}`, {
      hint: "ashlar lock",
    });
  writeFileAtomic(path, content);
}

interface DownloadOptions {
  readonly mirror: Mirror;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

async function download(locked: LockedPackage, path: string, { mirror, signal, onBytes }: DownloadOptions): Promise<void> {
  const root = suiteRoot(locked.archive);
  const place = `${root}/${locked.path}`;
  const aside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const fd = openSync(aside, "wx", 0o644);
  try {
    let hash = createHash("sha256");
    let size = 0;
    const start = (): ((piece: Buffer) => void) => {
      onBytes(-size);
      hash = createHash("sha256");
      size = 0;
      return (piece) => {
        hash.update(piece);
        writeAll(fd, piece, size);
        size += piece.length;
        onBytes(piece.length);
      };
    };
    const url = `${mirror[root]}/${locked.path.split("/").map(encodeURIComponent).join("/")}`;
    if (!(await get(url, start, { path: place, limit: locked.size, signal }))) throw gone(locked, place);
    const got = hash.digest("hex");
    if (got !== locked.sha256)
      throw archiveError(
        "E_PACKAGE_HASH",
        `${place} has the sha256 ${got} (${size} bytes), the lock says ${locked.sha256} (${locked.size} bytes)`,
        {
          hint: "run the command again; if it stays so, use another mirror (ASHLAR_MIRROR)",
          details: { package: locked.name, expected: locked.sha256, got },
        },
      );
    renameSync(aside, path);
  } finally {
    closeSync(fd);
    rmSync(aside, { force: true });
  }
}

function gone(locked: LockedPackage, place: string): Error {
  return archiveError("E_PACKAGE_GONE", `the mirror no longer has ${locked.name} ${locked.version} (${place})`, {
    hint: `ashlar lock --upgrade ${locked.name}`,
    details: { package: locked.name, version: locked.version },
  });
}
