/** `ashlar.d.ts`: the types of `import … from "ashlar"` for editors, in one file without any path of this machine. */
import { readFileSync } from "node:fs";

const HEADER =
  '/** What a system.ts is written with. Made by `ashlar init`; make it anew after an update of Ashlar. */\ndeclare module "ashlar" {\n';

/** The text of the declaration file, from the sources of the functions themselves. */
export function typeDeclarations(): string {
  const types = sourceOf("input.ts").replace(/^\/\*\*[^]*?\*\/\n/, "");
  const [part = ""] = lastDocs(sourceOf("merge.ts"), "export type SystemPart").split("\n\n");
  const functions = [
    ["define.ts", "defineSystem"],
    ["merge.ts", "merge"],
    ["override.ts", "override"],
  ] as const;
  const declared = functions.map(([file, name]) => signatureOf(lastDocs(sourceOf(file), `export function ${name}`)));
  const body = [types.trim(), part.trim(), ...declared].join("\n\n");
  return `${HEADER}${body.replace(/^(?=.)/gm, "  ")}\n}\n`;
}

/** The part of a source that begins with the comment before `start`. */
function lastDocs(source: string, start: string): string {
  const at = source.indexOf(start);
  return source.slice(source.lastIndexOf("/**", at));
}

function signatureOf(source: string): string {
  return source.slice(0, source.indexOf(" {\n", source.indexOf("export function"))) + ";";
}

function sourceOf(file: string): string {
  return readFileSync(new URL(file, import.meta.url), "utf8");
}
