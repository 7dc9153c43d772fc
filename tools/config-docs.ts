/**
 * Writes what follows from the config's schema: `src/config/input.ts` (the types that editors show) and the reference in
 * `docs/guide/configuration.md`. Run it after changing `src/config/schema.ts`; a test says when it was forgotten.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonSchema } from "#config/json-schema.ts";

const root = join(import.meta.dirname, "..");
export const TYPES_PATH = join(root, "src/config/input.ts");
export const GUIDE_PATH = join(root, "docs/guide/configuration.md");

interface Node {
  readonly description?: string;
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | false;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

const SINGULAR: Readonly<Record<string, string>> = {
  users: "user",
  groups: "group",
  files: "file",
  directories: "directory",
  units: "unit",
  interfaces: "networkInterface",
  mounts: "mount",
  commands: "healthCommand",
  tcp: "healthTcp",
  http: "healthHttp",
  space: "healthSpace",
  schemas: "stateSchema",
};

/** The text of `input.ts`. */
export function inputTypes(): string {
  const written: string[] = [];
  writeInterface("SystemInput", jsonSchema(), written);
  const header =
    "/**\n * What a person writes: every option may be left out but the name. Made from `schema.ts` by `node tools/config-docs.ts`.\n */\n\n";
  return header + written.join("\n");
}

/** The guide with its reference brought up to date. */
export function guideText(guide: string): string {
  const rows: string[] = [];
  listOptions(jsonSchema(), "", rows);
  const table = ["| option | value | meaning |", "| --- | --- | --- |", ...rows].join("\n");
  return guide.replace(/(<!-- options -->\n)[^]*(\n<!-- end -->)/, (_all, start: string, end: string) => start + table + end);
}

function writeInterface(name: string, node: Node, written: string[]): void {
  const place = written.push("") - 1;
  const lines = Object.entries(node.properties ?? {}).map(([option, value]) => {
    const isNeeded = node.required?.includes(option) === true;
    const type = typeOf(value, option, written);
    return `  /** ${value.description} */\n  readonly ${option}${isNeeded ? "" : "?"}: ${type}${isNeeded ? "" : " | undefined"};\n`;
  });
  written[place] = `export interface ${name} {\n${lines.join("")}}\n`;
}

function typeOf(node: Node, option: string, written: string[]): string {
  if (node.anyOf !== undefined) return node.anyOf.map((each) => typeOf(each, option, written)).join(" | ");
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((each) => JSON.stringify(each)).join(" | ");
  const inner = SINGULAR[option] ?? option;
  if (node.items !== undefined) {
    const item = typeOf(node.items, inner, written);
    return `readonly ${item.includes("|") ? `(${item})` : item}[]`;
  }
  if (node.additionalProperties) return `Readonly<Record<string, ${typeOf(node.additionalProperties, inner, written)}>>`;
  if (node.properties === undefined) return node.type === "integer" ? "number" : (node.type ?? "unknown");
  const name = `${option.slice(0, 1).toUpperCase()}${option.slice(1)}Input`;
  writeInterface(name, node, written);
  return name;
}

function listOptions(node: Node, prefix: string, rows: string[]): void {
  for (const [option, value] of Object.entries(node.properties ?? {})) {
    const path = `${prefix}${option}`;
    const needed = node.required?.includes(option) === true ? " **needed**" : "";
    rows.push(`| \`${path}\`${needed} | ${valueOf(value)} | ${value.description} |`);
    listInside(value, path, rows);
  }
}

function listInside(node: Node, path: string, rows: string[]): void {
  for (const each of node.anyOf ?? [node]) {
    if (each.properties !== undefined) listOptions(each, `${path}.`, rows);
    else if (each.additionalProperties) listInside(each.additionalProperties, `${path}.*`, rows);
    else if (each.items !== undefined) listInside(each.items, `${path}[]`, rows);
  }
}

function valueOf(node: Node): string {
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(valueOf))].join(" or ");
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined) return node.enum.map((each) => `\`${each}\``).join(", ");
  if (node.items !== undefined) return `list: ${valueOf(node.items)}`;
  if (node.additionalProperties) return `by name: ${valueOf(node.additionalProperties)}`;
  return { string: "text", integer: "whole number", boolean: "true, false", object: "options" }[node.type ?? ""] ?? node.type ?? "";
}

if (import.meta.main) {
  writeFileSync(TYPES_PATH, inputTypes());
  writeFileSync(GUIDE_PATH, guideText(readFileSync(GUIDE_PATH, "utf8")));
}
