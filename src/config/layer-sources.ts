/** Package files and folders that a config lays over the system, named by what is in them. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { hasErrno } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import type { Problem } from "./errors.ts";
import type { LayersInput } from "./input.ts";
import { isWithin } from "./paths.ts";
import type { ConfigFile } from "./project.ts";
import type { LayerSource } from "./system.ts";

export interface LayerSources {
  readonly debs: readonly LayerSource[];
  readonly folders: readonly LayerSource[];
  /** sha256 to the absolute path. */
  readonly sources: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Finds and digests what `layers` names. */
export function readLayerSources({ debs = [], folders = [] }: LayersInput, config: ConfigFile): LayerSources {
  const sources = new Map<string, string>();
  const problems: Problem[] = [];
  const read = (option: "debs" | "folders", written: readonly string[]): LayerSource[] =>
    written.flatMap((source, at) => {
      const local = find(source, config, option === "folders");
      if ("wrong" in local) {
        problems.push({ path: ["layers", option, at], message: local.wrong, found: source });
        return [];
      }
      const sha256 = option === "debs" ? digestOfBytes(readFileSync(local.path)) : digestOfFolder(local.path);
      sources.set(sha256, local.path);
      return [{ source: relative(config.folder, local.path), sha256 }];
    });
  return { debs: read("debs", debs), folders: read("folders", folders), sources, problems };
}

function find(source: string, config: ConfigFile, isFolder: boolean): { readonly path: string } | { readonly wrong: string } {
  const written = resolve(config.folder, source);
  try {
    const path = realpathSync(written);
    if (!isWithin(path, config.project)) return { wrong: `expected a path below ${config.project}, found ${JSON.stringify(source)}` };
    const stat = statSync(path);
    if (isFolder ? stat.isDirectory() : stat.isFile()) return { path };
    return { wrong: `expected a ${isFolder ? "folder" : "file"}, found something else at ${written}` };
  } catch (error) {
    if (!hasErrno(error, "ENOENT") && !hasErrno(error, "ENOTDIR")) throw error;
    return { wrong: `expected a ${isFolder ? "folder" : "file"}, found nothing at ${written}` };
  }
}

/** Paths, contents, link targets, and which files are programs: what of a folder ends up in an image. */
function digestOfFolder(folder: string): string {
  const entries: unknown[] = [];
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(below, entry.name);
      const real = join(folder, path);
      if (entry.isDirectory()) {
        entries.push([path]);
        visit(path);
      } else if (entry.isSymbolicLink()) entries.push([path, "link", readlinkSync(real)]);
      else if (entry.isFile()) entries.push([path, (statSync(real).mode & 0o111) !== 0, digestOfBytes(readFileSync(real))]);
      else entries.push([path, "other"]);
    }
  };
  visit("");
  return digestOfBytes(Buffer.from(canonicalJson(entries)));
}

const digestOfBytes = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
