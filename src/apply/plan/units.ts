/** Unit files of a tree: where a unit comes from, what it runs, what starts it. https://www.freedesktop.org/software/systemd/man/systemd.unit.html */
import { posix } from "node:path";
import { linkTarget } from "./tree.ts";
import type { Tree } from "./tree.ts";

/** systemd's search path, the first one wins; /run has none of an image. */
const UNIT_FOLDERS = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"] as const;

export interface UnitFile {
  /** Files and links that make it: fragment and drop-ins, also those of its template. */
  readonly paths: readonly string[];
  readonly masked: boolean;
  /** Programs and other absolute paths on its Exec lines. */
  readonly runs: readonly string[];
}

export interface Units {
  /** A unit as the tree defines it; undefined when it does not. */
  unit(name: string): UnitFile | undefined;
  /** Units that a target pulls in by links, "multi-user.target.wants/x.service", whatever the folder. */
  readonly enabled: ReadonlySet<string>;
}

export function unitsOf(tree: Tree): Units {
  const dropIns: string[] = [];
  const enabled = new Set<string>();
  for (const path of tree.nodes.keys()) {
    if (!path.includes("/systemd/system/")) continue;
    if (path.endsWith(".conf")) dropIns.push(path);
    const unit = /\.target\.(?:wants|requires)\/([^/]+)$/.exec(path)?.[1];
    if (unit !== undefined) enabled.add(unit);
  }
  return { unit: (name) => unitIn(tree, name, dropIns), enabled };
}

function unitIn(tree: Tree, name: string, dropIns: readonly string[]): UnitFile | undefined {
  const names = namesOf(name);
  const fragment = UNIT_FOLDERS.flatMap((folder) => names.map((each) => `${folder}/${each}`)).find((path) => tree.nodes.has(path));
  if (fragment === undefined) return undefined;
  const target = linkTarget(tree, fragment);
  const resolved = target === undefined ? fragment : posix.resolve(posix.dirname(fragment), target);
  const folders = UNIT_FOLDERS.flatMap((folder) => names.map((each) => `${folder}/${each}.d/`));
  const paths = [
    fragment,
    ...(resolved === fragment || resolved === "/dev/null" ? [] : [resolved]),
    ...dropIns.filter((path) => folders.some((folder) => path.startsWith(folder))),
  ];
  const texts = paths.map((path) => tree.text(path) ?? "");
  return { paths, masked: resolved === "/dev/null", runs: texts.flatMap(absolutePaths) };
}

function absolutePaths(text: string): string[] {
  const lines = text.replaceAll("\\\n", " ").split("\n");
  return lines.flatMap((line) => {
    const command = /^Exec(?:Start|StartPre|StartPost)=[-@:+!|]*(.*)$/.exec(line)?.[1];
    return (command ?? "").split(/\s+/).flatMap((word) => /^["']?(\/[\w./+@:-]+)/.exec(word)?.[1] ?? []);
  });
}

/** "getty@tty1.service" is also made of "getty@.service". */
function namesOf(name: string): string[] {
  const template = name.replace(/@[^.]*(?=\.)/, "@");
  return template === name ? [name] : [name, template];
}
