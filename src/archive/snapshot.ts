/**
 * What the build machine knows of an archive, kept so that a later run needs no network:
 *
 *   <workspace>/archive/<sha256>                     InRelease and Packages, by the sha256 of their content
 *   <workspace>/archive/newest/<root>_<suite>.json   which InRelease was fetched last, and its date
 *   <workspace>/archive/releases/<sha256>.json       what a verified InRelease says (read instead of verifying again)
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { Workspace } from "#workspace";
import type { Release } from "./release.ts";
import { textIfThere } from "#sys/if-there.ts";

export interface Newest {
  /** sha256 of the InRelease. */
  readonly release: string;
  /** ISO 8601. */
  readonly date: string;
}

export const sha256Of = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

/** Stored content, or undefined when it is not there or no longer what its name says. */
export function readBlob(workspace: Workspace, sha256: string): Buffer | undefined {
  try {
    const content = readFileSync(blobPath(workspace, sha256));
    return sha256Of(content) === sha256 ? content : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

export function writeBlob(workspace: Workspace, sha256: string, content: Buffer): void {
  writeFileAtomic(blobPath(workspace, sha256), content);
}

function blobPath(workspace: Workspace, sha256: string): string {
  return join(workspace.archive, sha256);
}

export function readNewest(workspace: Workspace, root: string, suite: string): Newest | undefined {
  return readJson(newestPath(workspace, root, suite)) as Newest | undefined;
}

export function writeNewest(workspace: Workspace, at: { root: string; suite: string }, newest: Newest): void {
  writeFileAtomic(newestPath(workspace, at.root, at.suite), `${JSON.stringify(newest)}\n`);
}

export function readVerified(workspace: Workspace, sha256: string): Release | undefined {
  const known = readJson(join(workspace.archive, "releases", `${sha256}.json`)) as
    | (Omit<Release, "files"> & { files: [string, { sha256: string; size: number }][] })
    | undefined;
  return known === undefined ? undefined : { ...known, validUntil: known.validUntil, files: new Map(known.files) };
}

export function writeVerified(workspace: Workspace, sha256: string, release: Release): void {
  // Contents and translations are two thirds of a Release and are never asked for.
  const files = [...release.files].filter(([path]) => /\/binary-[^/]+\/Packages(\.xz)?$/.test(path));
  writeFileAtomic(join(workspace.archive, "releases", `${sha256}.json`), `${JSON.stringify({ ...release, files })}\n`);
}

function newestPath(workspace: Workspace, root: string, suite: string): string {
  return join(workspace.archive, "newest", `${root}_${suite}.json`);
}

function readJson(path: string): unknown {
  const text = textIfThere(path);
  return text === undefined ? undefined : JSON.parse(text);
}
