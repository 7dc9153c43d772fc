/** Files, links and directories of the config, and what parts of Ashlar contribute. Later ones win over packages' files. */
import { readFileSync } from "node:fs";
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import { pathOf, putContent, putDirectory, putFile, putSymlink, removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";
import type { Contribution } from "../contribution.ts";
import { ownerOf } from "./accounts.ts";
import { hostFile } from "./host-file.ts";

export type FileErrorCode = "E_TREE_SOURCE_GONE";

/**
 * Puts the config's own files.
 * @param sources sha256 of a local source to its path on the build host (as evaluation saw it)
 * @throws E_TREE_SOURCE_GONE, E_TREE_UNKNOWN_USER, E_TREE_UNKNOWN_GROUP
 */
export function renderFiles(draft: Draft, system: System, sources: ReadonlyMap<string, string>): void {
  for (const [path, spec] of Object.entries(system.directories)) {
    putDirectory(draft, pathOf(path), { mode: parseMode(spec.mode), ...ownerOf(draft, spec.owner, spec.group) });
  }
  for (const [path, spec] of Object.entries(system.files)) {
    const content = spec.text ?? readSource(path, spec.source ?? "", sources.get(spec.sha256 ?? ""));
    putFile(draft, pathOf(path), content, { mode: parseMode(spec.mode), ...ownerOf(draft, spec.owner, spec.group) });
  }
  for (const [path, target] of Object.entries(system.links)) putSymlink(draft, pathOf(path), pathOf(target));
}

/** Applies contributions in order. */
export function contribute(draft: Draft, contributions: readonly Contribution[]): void {
  for (const item of contributions) {
    const path = pathOf(item.path);
    switch (item.kind) {
      case "file":
        putFile(draft, path, item.content, { mode: item.mode, ...ownerOf(draft, item.owner ?? "0", item.group ?? "0") });
        break;
      case "file-from":
        putContent(draft, path, hostFile(draft.store, item.from), {
          mode: item.mode,
          ...ownerOf(draft, item.owner ?? "0", item.group ?? "0"),
        });
        break;
      case "symlink":
        putSymlink(draft, path, pathOf(item.target));
        break;
      case "directory":
        putDirectory(draft, path, { mode: item.mode, ...ownerOf(draft, item.owner ?? "0", item.group ?? "0") });
        break;
      case "remove":
        removePath(draft, path);
        break;
    }
  }
}

const parseMode = (mode: string): number => Number.parseInt(mode, 8);

function readSource(path: string, source: string, file: string | undefined): Buffer {
  if (file === undefined)
    throw new AshlarError<FileErrorCode>("E_TREE_SOURCE_GONE", `the source ${source} of ${path} changed while building`, {
      hint: "run the build again",
    });
  return readFileSync(file);
}
