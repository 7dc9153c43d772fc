/** dpkg's database as it lies in an image: what is installed, and whose file a path is. */
import type { ByteString } from "#formats/bytes.ts";
import { fieldOf, parseDeb822 } from "#formats/deb822.ts";
import type { Paragraph } from "#formats/deb822.ts";

export const DATABASE = "/usr/lib/sysimage/dpkg";
const INFO = `${DATABASE}/info/`;
const FACTORY = "/usr/share/factory";

export interface Package {
  readonly name: string;
  readonly version: string;
  /** The source package it was built from; several packages can share it. */
  readonly source: string;
  /** Its stanza in the status file, without the empty line at its end. */
  readonly stanza: ByteString;
  readonly fields: Paragraph;
}

export interface Database {
  readonly packages: ReadonlyMap<string, Package>;
  /** Packages that list a path as theirs, where it lies in the image. */
  ownersOf(path: ByteString): readonly string[];
  /** Everything a package lists, as it lies in the image. */
  pathsOf(name: string): readonly ByteString[];
  /** Texts of the scripts that a package runs when it is installed or removed. */
  scriptsOf(name: string): readonly ByteString[];
}

/**
 * @param paths all paths of the image
 * @param text content of a file of the image
 */
export function readDatabase(paths: Iterable<ByteString>, text: (path: ByteString) => ByteString | undefined): Database {
  const packages = readStatus(text(`${DATABASE}/status`) ?? "");
  const diverted = readDiversions(text(`${DATABASE}/diversions`) ?? "");
  const owners = new Map<ByteString, string[]>();
  const listed = new Map<string, ByteString[]>();
  const scripts = new Map<string, ByteString[]>();
  const own = (path: ByteString, name: string): void => {
    const known = owners.get(path);
    if (known === undefined) owners.set(path, [name]);
    else if (!known.includes(name)) known.push(name);
  };
  for (const path of paths) {
    const info = infoOf(path);
    if (info === undefined) continue;
    own(path, info.name);
    if (SCRIPTS.has(info.kind)) append(scripts, info.name, path);
    if (info.kind !== "list") continue;
    for (const line of (text(path) ?? "").split("\n")) {
      if (line === "" || line === "/.") continue;
      const diversion = diverted.get(line);
      const place = merged(diversion === undefined || diversion.by === info.name ? line : diversion.to);
      own(place, info.name);
      append(listed, info.name, place);
    }
  }
  return {
    packages,
    ownersOf: (path) => owners.get(path) ?? (path.startsWith(`${FACTORY}/`) ? owners.get(path.slice(FACTORY.length)) : undefined) ?? [],
    pathsOf: (name) => listed.get(name) ?? [],
    scriptsOf: (name) => (scripts.get(name) ?? []).map((path) => text(path) ?? ""),
  };
}

/** Stanzas of a status file, each without the empty line after it. */
function stanzasOf(status: ByteString): ByteString[] {
  return status.split(/\n\n+/).filter((stanza) => stanza.trim() !== "");
}

const SCRIPTS: ReadonlySet<string> = new Set(["config", "preinst", "postinst", "prerm", "postrm"]);

function readStatus(status: ByteString): Map<string, Package> {
  const packages = new Map<string, Package>();
  for (const stanza of stanzasOf(status)) {
    const [fields] = parseDeb822(stanza);
    const name = fields === undefined ? undefined : fieldOf(fields, "Package");
    if (fields === undefined || name === undefined || fieldOf(fields, "Status") !== "install ok installed") continue;
    const source = fieldOf(fields, "Source")?.split(" ")[0] ?? name;
    packages.set(name, { name, version: fieldOf(fields, "Version") ?? "", source, stanza: stanza.trimEnd(), fields });
  }
  return packages;
}

/** dpkg-divert(1): three lines each: the name, where it lies instead, and the package whose own file stays (":" for nobody's). */
function readDiversions(text: ByteString): Map<ByteString, { readonly to: ByteString; readonly by: string }> {
  const lines = text.split("\n");
  const found = new Map<ByteString, { to: ByteString; by: string }>();
  for (let at = 0; at + 2 < lines.length; at += 3) found.set(lines[at] ?? "", { to: lines[at + 1] ?? "", by: lines[at + 2] ?? "" });
  return found;
}

/** "info/libc6:amd64.list" is libc6's list. */
function infoOf(path: ByteString): { readonly name: string; readonly kind: string } | undefined {
  if (!path.startsWith(INFO)) return undefined;
  const file = path.slice(INFO.length);
  const dot = file.lastIndexOf(".");
  return dot < 0 ? undefined : { name: file.slice(0, dot).replace(/:.*$/, ""), kind: file.slice(dot + 1) };
}

/** In the image /bin, /sbin and /lib* are links into /usr. */
function merged(path: ByteString): ByteString {
  return /^\/(bin|sbin|lib|lib32|lib64|libx32)\//.test(path) ? `/usr${path}` : path;
}

function append(map: Map<string, ByteString[]>, key: string, value: ByteString): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
