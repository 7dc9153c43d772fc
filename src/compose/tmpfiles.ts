/** The folders in the list of what the machine's own places need: those above a line are there, others only for their own sake. */
import { compareBytes } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import type { Root } from "./root.ts";
import { TMPFILES } from "./shared.ts";

/**
 * Adds folders that lines lack, and drops those that were there only for a line that went.
 * @param text lines "TYPE PATH …" (tmpfiles.d(5))
 * @param keeps whether a package or the config wants a folder itself
 */
export function settleFolders(
  text: ByteString | undefined,
  { newer, older, keeps }: { readonly newer: Root; readonly older: Root; readonly keeps: (folder: ByteString) => boolean },
): ByteString | undefined {
  if (text === undefined || text === newer.text(TMPFILES)) return text;
  const [head, lines] = parse(text);
  const [, before] = parse(newer.text(TMPFILES) ?? "");
  const [, offered] = parse(older.text(TMPFILES) ?? "");
  for (const path of lines.keys())
    for (let folder = parentOf(path); folder !== ""; folder = parentOf(folder)) {
      const line = offered.get(folder);
      if (!lines.has(folder) && line !== undefined) lines.set(folder, line);
    }
  for (const path of [...lines.keys()].sort((a, b) => compareBytes(b, a))) {
    const emptied = lines.get(path)?.startsWith("d ") === true && !holds(lines, path) && holds(before, path);
    if (emptied && !keeps(path) && !Object.hasOwn(newer.system.state.var, path)) lines.delete(path);
  }
  return [...head, ...[...lines].sort(([a], [b]) => compareBytes(a, b)).map(([, line]) => line)].map((line) => `${line}\n`).join("");
}

type Lines = Map<ByteString, ByteString>;

function parse(text: ByteString): [head: ByteString[], lines: Lines] {
  const all = text.split("\n").filter((line) => line !== "");
  return [
    all.filter((line) => line.startsWith("#")),
    new Map(all.filter((line) => !line.startsWith("#")).map((line) => [line.split(" ")[1] ?? "", line])),
  ];
}

function holds(lines: Lines, folder: ByteString): boolean {
  return [...lines.keys()].some((path) => path.startsWith(`${folder}/`));
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, path.lastIndexOf("/"));
}
