/**
 * A file of a package that the config replaced is in no image any more. When the config's own file goes, or another
 * version of the package comes, what the package has there can be taken only from an image that still has it.
 */
import { createHash } from "node:crypto";
import { AshlarError } from "#errors";
import { toBuffer, toText } from "#formats/bytes.ts";
import type { ByteString } from "#formats/bytes.ts";
import { fieldOf } from "#formats/deb822.ts";
import { DATABASE } from "./database.ts";
import type { Origin } from "./decide.ts";
import type { ComposeErrorCode } from "./errors.ts";
import { declaredPaths, withGrains } from "./options.ts";
import type { Root } from "./root.ts";
import type { Selection } from "./selection.ts";

/** @throws E_COMPOSE_FILE for a path whose package's own content is in neither image */
export function refuseLostOriginals(
  newer: Root,
  older: Root,
  { selection, origins }: { readonly selection: Selection; readonly origins: ReadonlyMap<ByteString, Origin> },
): void {
  const composed = declaredPaths(withGrains(newer.system, older.system, selection.grains));
  for (const path of new Set([...declaredPaths(newer.system), ...declaredPaths(older.system)])) {
    const origin = origins.get(path);
    if (composed.has(path) || origin === undefined || origin === "none") continue;
    const [database, name] = ownerOf(path, { newer, older, selection });
    if (database === undefined || name === undefined) continue;
    const wanted = sumOf(database, name, path);
    const content = (origin === "older" ? older : newer).text(path);
    if (wanted === undefined || content === undefined || md5(content) === wanted) continue;
    throw new AshlarError<ComposeErrorCode>(
      "E_COMPOSE_FILE",
      `what ${name} has at ${toText(path)} is in neither image: the config replaced it`,
      {
        hint: `take packages.${name} and files.${toText(path)} along, or go back as a whole (\`ashlar rollback\`); nothing was changed`,
        details: { path: toText(path), package: name },
      },
    );
  }
}

/** The package that has the path in the composed image, and the image that has that package. */
function ownerOf(
  path: ByteString,
  { newer, older, selection }: { readonly newer: Root; readonly older: Root; readonly selection: Selection },
): [Root?, string?] {
  const coming = older.database.ownersOf(path).find((name) => selection.packages.has(name));
  if (coming !== undefined) return [older, coming];
  const staying = newer.database.ownersOf(path).find((name) => !selection.packages.has(name));
  return staying === undefined ? [] : [newer, staying];
}

/** md5 of a path as the package brought it: dpkg keeps those of conffiles in the stanza, the others in md5sums. */
function sumOf(root: Root, name: string, path: ByteString): string | undefined {
  const conffiles = fieldOf(root.database.packages.get(name)?.fields ?? new Map(), "Conffiles") ?? "";
  const conffile = conffiles.split("\n").find((line) => line.startsWith(`${path} `));
  if (conffile !== undefined) return conffile.split(" ")[1];
  const sums = [`${DATABASE}/info/${name}.md5sums`, `${DATABASE}/info/${name}:amd64.md5sums`]
    .map((file) => root.text(file))
    .find((text) => text !== undefined);
  return sums
    ?.split("\n")
    .find((line) => line.slice(34) === path.slice(1))
    ?.slice(0, 32);
}

function md5(content: ByteString): string {
  return createHash("md5").update(toBuffer(content)).digest("hex");
}
