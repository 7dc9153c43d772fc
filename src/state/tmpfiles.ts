/** The paths that tmpfiles.d(5) makes or keeps. */
import type { RootReader } from "./root-reader.ts";

export interface TmpfilesPath {
  readonly path: string;
  /** Name of the file whose line counts. */
  readonly file: string;
  /** All files that have a line about it, also ones that only adjust it. */
  readonly mentions: readonly string[];
}

/** Lines that make something, or say to whom something belongs. The others clean up or adjust. */
const MAKES = new Set(["f", "F", "d", "D", "e", "v", "q", "Q", "p", "L", "c", "b", "C"]);
/** Later folders win over earlier ones by file name; what is in /run is not the image's. */
const FOLDERS = ["/usr/lib/tmpfiles.d", "/etc/tmpfiles.d"] as const;

/** Of two lines for one path the one of the first file name counts, as for systemd-tmpfiles. */
export function tmpfilesPaths(root: RootReader): TmpfilesPath[] {
  const files = new Map(FOLDERS.flatMap((folder) => root.list(folder).map((name) => [name, `${folder}/${name}`] as const)));
  const makes = new Map<string, string>();
  const mentions = new Map<string, string[]>();
  for (const [name, file] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.endsWith(".conf")) continue;
    for (const { path, isMade } of pathsOf(root.read(file) ?? "")) {
      mentions.set(path, [...(mentions.get(path) ?? []), name]);
      if (isMade && !makes.has(path)) makes.set(path, name);
    }
  }
  return [...makes].map(([path, file]) => ({ path, file, mentions: mentions.get(path) ?? [] }));
}

function pathsOf(text: string): { path: string; isMade: boolean }[] {
  return text.split("\n").flatMap((line) => {
    const [, type = "", quoted, bare] = /^\s*([A-Za-z][!+=~^$?-]*)\s+(?:"([^"]*)"|(\S+))/.exec(line) ?? [];
    const path = unescape(quoted ?? bare ?? "");
    const isPath = path !== undefined && path.startsWith("/") && !/[*?[]/.test(path);
    return isPath ? [{ path: path.replace(/\/+$/, ""), isMade: MAKES.has(type.charAt(0)) }] : [];
  });
}

/** `%%` is a percent sign, `\\xHH` a byte; other specifiers are of one machine and make no path that is known here. */
function unescape(text: string): string | undefined {
  if (/%[^%]/.test(text.replaceAll("%%", ""))) return undefined;
  return text
    .replaceAll("%%", "%")
    .replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_all, hex: string | undefined, plain: string) =>
      hex === undefined ? plain : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}
