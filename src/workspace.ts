/**
 * Every working path of the build host, derived from one root; nobody joins paths ad hoc.
 *
 *   <root>/archive/     verified Release and Packages indexes, by hash
 *   <root>/packages/    downloaded .deb files, named <sha256>.deb
 *   <root>/toolchain/   unpacked tools trees, one folder per set and digest
 *   <root>/store/       content-addressed objects, images, trees (see src/store)
 *   <root>/steps/       results of cached steps, <key>.json
 *   <root>/scripts/     JavaScript of configs, made from their TypeScript
 *   <root>/work/        one folder per running build, removed at its end
 */
import { homedir } from "node:os";
import { join } from "node:path";

export interface Workspace {
  readonly root: string;
  readonly archive: string;
  readonly packages: string;
  readonly toolchain: string;
  readonly store: string;
  readonly steps: string;
  readonly scripts: string;
  readonly work: string;
}

/** The workspace below `root`; by default `$ASHLAR_CACHE`, else `$XDG_CACHE_HOME/ashlar`, else `~/.cache/ashlar`. */
export function openWorkspace(root: string = defaultRoot(process.env)): Workspace {
  const at = (name: string): string => join(root, name);
  return {
    root,
    archive: at("archive"),
    packages: at("packages"),
    toolchain: at("toolchain"),
    store: at("store"),
    steps: at("steps"),
    scripts: at("scripts"),
    work: at("work"),
  };
}

function defaultRoot(env: NodeJS.ProcessEnv): string {
  if (env["ASHLAR_CACHE"]) return env["ASHLAR_CACHE"];
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "ashlar");
}
