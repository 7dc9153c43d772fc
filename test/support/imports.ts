import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** One import of a source file. Paths are relative to the repository's root. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file of this repository that it means; undefined for packages and Node's own modules. */
  readonly to: string | undefined;
  /** `import type` and `export type`: gone at run time. */
  readonly typeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s(?<clause>[^"'`;]*?\bfrom\s+)?"(?<specifier>[^"]+)"/gm;
const DYNAMIC = /\bimport\("(?<specifier>[^"]+)"\)/g;

/** The imports of a file, static and dynamic, as the text has them. */
export function importsOf(root: string, path: string): Import[] {
  const text = readFileSync(join(root, path), "utf8");
  const aliases = aliasesOf(root);
  const make = (specifier: string, typeOnly: boolean): Import => ({
    from: path,
    specifier,
    to: resolve(path, specifier, aliases),
    typeOnly,
  });
  return [
    ...[...text.matchAll(STATEMENT)].map((match) => make(match.groups?.["specifier"] ?? "", /^(?:import|export)\s+type\b/.test(match[0]))),
    ...[...text.matchAll(DYNAMIC)].map((match) => make(match.groups?.["specifier"] ?? "", false)),
  ];
}

function resolve(from: string, specifier: string, aliases: Readonly<Record<string, string>>): string | undefined {
  if (specifier.startsWith(".")) return normalize(join(dirname(from), specifier));
  const exact = aliases[specifier];
  if (exact !== undefined) return normalize(exact);
  const [area = "", ...rest] = specifier.split("/");
  const pattern = aliases[`${area}/*`];
  return pattern === undefined ? undefined : normalize(pattern.replace("*", rest.join("/")));
}

function aliasesOf(root: string): Readonly<Record<string, string>> {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { imports: Record<string, string> }).imports;
}
