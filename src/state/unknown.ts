/** Files that nothing declares: left by hand, by a program that no unit describes, or by a package that is gone. */
import { join } from "node:path";
import { fromText, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { declaringOf, isContainer } from "./declared.ts";
import type { DeclaredPath } from "./declared.ts";
import { look, measure, namesIn } from "./measure.ts";

export interface UnknownPath {
  /** The outermost path that nothing declares. */
  readonly path: string;
  /** Bytes on the disk, and files, of all that is in it. */
  readonly bytes: number;
  readonly files: number;
  /** Seconds since 1970 at which something in it was last written. */
  readonly changed: number;
  /** User number of its owner. */
  readonly uid: number;
}

/** /srv and /root are for people to fill; of /home, what is no user's home is looked at. */
const SEARCHED = ["/var", "/home"] as const;

/**
 * Unknown files under /var, and under /home outside of homes, by path.
 * @param root where the machine's root is, "/" on a machine
 * @param declared what {@link declaredPaths} found; homes of accounts that were made on the machine count as declared
 */
export function unknownState(root: string, declared: readonly DeclaredPath[]): UnknownPath[] {
  const known = new Map(declared.map((item) => [item.path, item]));
  const parents = new Set(declared.flatMap(({ path }) => parentsOf(path)));
  const found: UnknownPath[] = [];
  const visit = (folder: ByteString): void => {
    for (const name of namesIn(fromText(join(root, toText(folder))))) {
      const path = `${folder}/${name}`;
      const text = toText(path);
      const at = fromText(join(root, "/")) + path.slice(1);
      if (isContainer(text)) visit(path);
      else if (declaringOf(text, known) === undefined) {
        const stat = look(at);
        if (stat === undefined) continue;
        if (stat.isDirectory() && parents.has(text)) {
          visit(path);
          continue;
        }
        const measured = measure(at);
        if (measured !== undefined) found.push({ path: text, ...measured, uid: Number(stat.uid) });
      }
    }
  };
  for (const folder of SEARCHED) visit(folder);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_part, at) => `/${parts.slice(0, at + 1).join("/")}`);
}
