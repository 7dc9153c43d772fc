/**
 * The Packages index of an archive: 55 MB of deb822 of which a build looks at a hundredth. One pass notes where each
 * stanza lies; the stanza itself is read when it is asked for.
 * https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices
 */
import { AshlarError } from "#errors";
import { fromBuffer } from "./bytes.ts";

export type PackageIndexErrorCode = "E_PACKAGE_INDEX_SYNTAX";

export interface PackageStanza {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Below the archive's root. */
  readonly path: string;
  /** Bytes of the .deb. */
  readonly size: number;
  readonly sha256: string;
  readonly depends: string;
  readonly preDepends: string;
  readonly provides: string;
}

export interface PackageIndex {
  /** Names of the packages that exist, in the index's order. */
  names(): Iterable<string>;
  /** All versions of a package. */
  find(name: string): PackageStanza[];
  /** The whole text of a package's stanza of one version, without the blank line after it. */
  text(name: string, version: string): string | undefined;
  /** Packages whose Provides names `name`, whatever version they provide. */
  providers(name: string): PackageStanza[];
  /** Packages marked Essential. */
  essential(): PackageStanza[];
}

/**
 * Indexes the text of a Packages file.
 * @throws E_PACKAGE_INDEX_SYNTAX when a stanza does not begin with its name, or (at find) lacks a field
 */
export function parsePackageIndex(content: Buffer): PackageIndex {
  const text = fromBuffer(content);
  const starts = new Map<string, number[]>();
  const first = skipBlank(text, 0);
  if (first < text.length && !text.startsWith("Package: ", first))
    throw syntaxError(`it begins with "${text.slice(first, first + 40)}", not with a package`);
  for (let at = first; at < text.length;) {
    const begin = at + "Package: ".length;
    const lineEnd = text.indexOf("\n", begin);
    const name = text.slice(begin, lineEnd < 0 ? text.length : lineEnd);
    const known = starts.get(name);
    if (known === undefined) starts.set(name, [at]);
    else known.push(at);
    const next = text.indexOf("\n\nPackage: ", begin);
    if (next < 0) break;
    at = next + 2;
  }
  let provided: Map<string, number[]> | undefined;
  return {
    names: () => starts.keys(),
    find: (name) => (starts.get(name) ?? []).map((start) => readStanza(text, start)),
    text: (name, version) =>
      starts
        .get(name)
        ?.map((start) => text.slice(start, endOf(text, "\n\n", start)))
        .find((stanza) => stanzaField(`\n${stanza}`, "Version") === version),
    providers: (name) => (provided ??= indexProvides(text)).get(name)?.map((start) => readStanza(text, start)) ?? [],
    essential: () => stanzasWith(text, "\nEssential: yes\n").map((start) => readStanza(text, start)),
  };
}

/** A field of a stanza, continuation lines included. */
function stanzaField(stanza: string, name: string): string | undefined {
  const at = stanza.indexOf(`\n${name}: `);
  if (at < 0) return undefined;
  const begin = at + name.length + 3;
  let end = stanza.indexOf("\n", begin);
  while (end >= 0 && stanza[end + 1] === " ") end = stanza.indexOf("\n", end + 1);
  return stanza.slice(begin, end < 0 ? stanza.length : end);
}

function readStanza(text: string, start: number): PackageStanza {
  // The leading newline makes the first field findable like the others.
  const stanza = `\n${text.slice(start, endOf(text, "\n\n", start))}`;
  const need = (field: string): string => {
    const value = stanzaField(stanza, field);
    if (value === undefined) throw syntaxError(`the stanza of ${stanzaField(stanza, "Package")} has no ${field}`);
    return value;
  };
  const size = Number(need("Size"));
  const sha256 = need("SHA256");
  const path = need("Filename");
  if (!Number.isSafeInteger(size) || size < 0) throw syntaxError(`the stanza of ${need("Package")} has the size "${need("Size")}"`);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw syntaxError(`the stanza of ${need("Package")} has the SHA256 "${sha256}"`);
  if (path.startsWith("/") || path.split("/").includes("..")) throw syntaxError(`the stanza of ${need("Package")} has the path "${path}"`);
  return {
    name: need("Package"),
    version: need("Version"),
    architecture: need("Architecture"),
    path,
    size,
    sha256,
    depends: stanzaField(stanza, "Depends") ?? "",
    preDepends: stanzaField(stanza, "Pre-Depends") ?? "",
    provides: stanzaField(stanza, "Provides") ?? "",
  };
}

function indexProvides(text: string): Map<string, number[]> {
  const provided = new Map<string, number[]>();
  for (const start of stanzasWith(text, "\nProvides: ")) {
    const stanza = text.slice(start, endOf(text, "\n\n", start));
    for (const relation of (stanzaField(stanza, "Provides") ?? "").split(",")) {
      const name = /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(relation)?.[1];
      if (name === undefined) continue;
      const known = provided.get(name);
      if (known === undefined) provided.set(name, [start]);
      else known.push(start);
    }
  }
  return provided;
}

/** Where the stanzas begin that contain `needle`. */
function stanzasWith(text: string, needle: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    const before = text.lastIndexOf("\n\n", at);
    found.push(before < 0 ? skipBlank(text, 0) : before + 2);
  }
  return found;
}

function endOf(text: string, needle: string, from: number): number {
  const at = text.indexOf(needle, from);
  return at < 0 ? text.length : at;
}

function skipBlank(text: string, from: number): number {
  let at = from;
  while (text[at] === "\n") at++;
  return at;
}

function syntaxError(what: string): AshlarError<PackageIndexErrorCode> {
  return new AshlarError("E_PACKAGE_INDEX_SYNTAX", `Packages index: ${what}`);
}
