/**
 * The package database belongs to the image: it moves to /usr/lib/sysimage/dpkg, so that `dpkg -l` speaks of the booted
 * generation and goes back with it. Everything in it that tells in which order packages came is sorted.
 */
import { compareBytes } from "#formats/bytes.ts";
import { below, editText, movePath, removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";

export const DPKG_DATABASE = "/usr/lib/sysimage/dpkg";

const WORKING_FILES = [
  "available",
  "available-old",
  "status-old",
  "diversions-old",
  "statoverride-old",
  "lock",
  "lock-frontend",
  "triggers/Lock",
  "triggers/Unincorp",
  "tmp.ci",
];

/** Sorts and relocates /var/lib/dpkg. */
export function relocateDatabase(draft: Draft): void {
  const from = "/var/lib/dpkg";
  for (const name of WORKING_FILES) removePath(draft, `${from}/${name}`);
  editText(draft, `${from}/status`, (text) =>
    stanzas(text)
      .sort(byPackage)
      .map((stanza) => `${stanza}\n\n`)
      .join(""),
  );
  editText(draft, `${from}/diversions`, sortTriples);
  for (const path of [`${from}/statoverride`, `${from}/triggers/File`]) editText(draft, path, sortLines);
  for (const path of below(draft.nodes, `${from}/triggers`)) editText(draft, path, sortLines);
  movePath(draft, from, DPKG_DATABASE);
}

function stanzas(text: string): string[] {
  return text
    .split(/\n\n+/)
    .map((stanza) => stanza.trimEnd())
    .filter((stanza) => stanza !== "");
}

function byPackage(a: string, b: string): number {
  const key = (stanza: string): string =>
    `${/^Package: (.*)$/m.exec(stanza)?.[1] ?? ""} ${/^Architecture: (.*)$/m.exec(stanza)?.[1] ?? ""}`;
  return compareBytes(key(a), key(b));
}

const sortLines = (text: string): string =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .sort(compareBytes)
    .map((line) => `${line}\n`)
    .join("");

/** dpkg-divert's file has three lines to an entry: original, diverted name, package. */
function sortTriples(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const triples = Array.from({ length: Math.floor(lines.length / 3) }, (_, index) => lines.slice(index * 3, index * 3 + 3).join("\n"));
  return triples
    .sort(compareBytes)
    .map((triple) => `${triple}\n`)
    .join("");
}
