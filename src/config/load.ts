/** Config stage: from a file that a person wrote to a System, or to an error that says where it is wrong. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { AshlarError } from "#errors";
import { digestOf } from "#formats/canonical-json.ts";
import type { Document } from "./document.ts";
import { invalid } from "./errors.ts";
import type { ConfigErrorCode, Problem } from "./errors.ts";
import type { EvaluateOptions } from "./evaluation/evaluate.ts";
import { plainProblems } from "./plain.ts";
import { findConfig } from "./project.ts";
import type { ConfigFile } from "./project.ts";
import type { System } from "./system.ts";

export interface LoadedSystem {
  readonly system: System;
  /** sha256 of the canonical JSON of `system`. */
  readonly digest: string;
  /** Absolute path of the config file's folder. */
  readonly folder: string;
  /** sha256 of each local source to its absolute path. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Reads and checks a config: `system.ts` (evaluated without clock, network or environment), `.yaml` or `.json`.
 * @param path the file, or a folder that has one
 * @throws E_CONFIG_NOT_FOUND, E_CONFIG_TYPE, E_CONFIG_SYNTAX, E_CONFIG_FAILED, E_CONFIG_INVALID (all problems at once),
 * E_CONFIG_CONFLICT, E_CONFIG_HERMETIC, E_CONFIG_TIMEOUT, E_CONFIG_MEMORY
 */
export async function loadSystem(path: string, options: EvaluateOptions = {}): Promise<LoadedSystem> {
  const config = findConfig(path);
  const file = shownPath(config.path);
  // The schema's code loads while the config's own process runs.
  const [document, stages] = await Promise.all([readDocument(config, options), loadStages()]);
  const refuse = (problems: readonly Problem[]): void => {
    if (problems.length > 0) throw invalid(file, problems, (problem) => document.locate(problem.path, problem.found));
  };
  refuse(plainProblems(document.value));
  const valid = stages.validate(document.value);
  if ("problems" in valid) throw invalid(file, valid.problems, (problem) => document.locate(problem.path, problem.found));
  const input = stages.writeOut(valid.system);
  const { files, sources, problems } = stages.readFiles(input.files ?? {}, config, options.instead);
  const layers = stages.readLayerSources(input.layers ?? {}, config);
  const root = stages.readRoot(input.updates?.root, config);
  refuse([...problems, ...layers.problems, ...root.problems]);
  const system = stages.complete(input, files, layers, root.text);
  refuse(stages.check(system));
  return { system, digest: digestOf(system), folder: config.folder, sources: new Map([...sources, ...layers.sources]) };
}

async function loadStages() {
  const [{ validate }, { complete, writeOut }, { readFiles }, { readLayerSources }, { readRoot }, { check }] = await Promise.all([
    import("./validate.ts"),
    import("./complete.ts"),
    import("./sources.ts"),
    import("./layer-sources.ts"),
    import("./trust-root.ts"),
    import("./check.ts"),
  ]);
  return { validate, complete, writeOut, readFiles, readLayerSources, readRoot, check };
}

async function readDocument(config: ConfigFile, options: EvaluateOptions): Promise<Document> {
  const file = shownPath(config.path);
  const ending = /\.([^./]+)$/.exec(config.path)?.[1] ?? "";
  if (["ts", "mts", "js", "mjs"].includes(ending)) {
    const { readScript } = await import("./evaluation/script.ts");
    return readScript(config, shownPath, options);
  }
  const { DOCUMENT_BYTES_MAX, parseJson, parseYaml, syntaxError } = await import("./document.ts");
  if (!["json", "yaml", "yml"].includes(ending))
    throw new AshlarError<ConfigErrorCode>("E_CONFIG_TYPE", `${file} is not a .ts, .yaml or .json file`, {
      hint: "`ashlar init` writes a system.ts",
    });
  const bytes = options.instead?.get(config.path) ?? readFileSync(config.path);
  if (bytes.length > DOCUMENT_BYTES_MAX) throw syntaxError({ file }, `longer than ${DOCUMENT_BYTES_MAX} bytes`);
  const text = bytes.toString("utf8");
  return ending === "json" ? parseJson(file, text) : parseYaml(file, text);
}

/** Relative to where the command was given, when that is shorter to read. */
function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("../../") || near === "" ? path : near;
}
