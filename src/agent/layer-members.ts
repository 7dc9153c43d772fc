/** What somebody typed after `layer add`: names of packages, files and folders of this machine, read into its store. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { LayerDeb, LayerFolder, LayerSet } from "#deployment/layers.ts";
import { AshlarError, hasErrno, messageOf } from "#errors";
import type { Store } from "#store/store.ts";
import { readFolder, readPackageFile } from "../pipeline/layers/members.ts";

export type LayerMemberErrorCode = "E_LAYER_FILE" | "E_LAYER_NAME";

/** What has a slash in it or ends in ".deb" is a path; all else is the name of a package. @throws E_LAYER_FILE, E_LAYER_NAME, E_LAYER_FOLDER */
export async function readMembers(words: readonly string[], store: Store): Promise<LayerSet> {
  const packages: string[] = [];
  const debs: LayerDeb[] = [];
  const folders: LayerFolder[] = [];
  for (const word of words) {
    if (!word.includes("/") && !word.endsWith(".deb")) packages.push(packageName(word));
    else if (isFolder(word)) folders.push(await readFolder(resolve(word), store));
    else debs.push(await readPackage(resolve(word), store));
  }
  return { packages, debs, folders };
}

/** Debian Policy §5.6.1 */
function packageName(word: string): string {
  if (/^[a-z0-9][a-z0-9+.-]+$/.test(word)) return word;
  throw new AshlarError<LayerMemberErrorCode>("E_LAYER_NAME", `${JSON.stringify(word)} is no name of a package`, {
    hint: "write a path with a slash (./FILE.deb, ./FOLDER) for what lies on this machine",
    exitCode: 2,
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    if (!hasErrno(cause, "ENOENT") && !hasErrno(cause, "ENOTDIR")) throw cause;
    throw fileError(path, "there is no such file or folder", cause);
  }
}

async function readPackage(path: string, store: Store): Promise<LayerDeb> {
  return readPackageFile(path, store).catch((cause: unknown) => {
    throw cause instanceof AshlarError ? fileError(path, `it is no Debian package: ${messageOf(cause)}`, cause) : cause;
  });
}

function fileError(path: string, why: string, cause: unknown): AshlarError<LayerMemberErrorCode> {
  return new AshlarError("E_LAYER_FILE", `${path}: ${why}`, {
    cause,
    hint: "name a .deb file or a folder laid out as in /",
    details: { path },
  });
}
