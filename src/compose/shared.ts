/** The files of an image in which every part has its lines, and whose each line is. */
import type { ByteString } from "#formats/bytes.ts";
import { fromText, toText } from "#formats/bytes.ts";
import { DATABASE } from "./database.ts";
import type { LineFile } from "./lines.ts";
import { declaredPaths, decides, placeOf } from "./options.ts";
import type { Root } from "./root.ts";
import type { Selection } from "./selection.ts";

export const TMPFILES = "/usr/lib/tmpfiles.d/00-ashlar.conf";
const HOMES = "/usr/lib/tmpfiles.d/01-ashlar-homes.conf";

/** In the order of their paths' meaning; a file that neither image has is harmless. */
export function sharedFiles(newer: Root, older: Root, selection: Selection): LineFile[] {
  const { packages } = selection;
  const keys = (option: string): ReadonlySet<string> =>
    new Set(selection.grains.flatMap(([name, key]) => (name === option && key !== undefined ? [key] : [])));
  const [sysctl, mounts, users] = [keys("sysctl"), keys("mounts"), keys("users")];
  const triggers = [...newer.nodes.keys(), ...older.nodes.keys()].filter((path) => path.startsWith(`${DATABASE}/triggers/`));
  return [
    byKey(`${DATABASE}/status`, (stanza) => /^Package: (.*)$/m.exec(stanza)?.[1], packages, "\n\n"),
    // What packages and the config want in the machine's own folders.
    {
      path: TMPFILES,
      key: (line) => (line.startsWith("#") ? undefined : line.split(" ")[1]),
      older: (line) => inOlder(unescaped(line.split(" ")[1] ?? ""), { newer, older, selection }),
    },
    byKey(HOMES, (line) => line.split(" ")[3], users),
    byKey("/usr/lib/sysctl.d/90-ashlar.conf", (line) => line.split(" = ")[0], sysctl),
    byKey("/etc/fstab", (line) => (line.startsWith("#") ? undefined : line.split(" ")[1]), mounts),
    {
      path: `${DATABASE}/statoverride`,
      key: (line) => line,
      older: (line) => inOlder(line.split(" ")[3] ?? "", { newer, older, selection }),
    },
    { path: `${DATABASE}/diversions`, size: 3, key: (line) => line, older: (line) => packages.has(line.split("\n")[2] ?? "") },
    // "/usr/lib/sysctl.d procps/noawait", and "libc-bin/noawait" where the file's name is the trigger's.
    ...[...new Set(triggers)].sort().map((path): LineFile => ({
      path,
      key: (line) => line,
      older: (line) => packages.has((line.split(" ").at(-1) ?? "").replace(/[:/].*$/, "")),
    })),
  ];
}

function byKey(path: ByteString, key: LineFile["key"], chosen: ReadonlySet<string>, separator?: string): LineFile {
  const older = (line: ByteString): boolean => chosen.has(key(line) ?? "");
  return { path, key, older, ...(separator === undefined ? {} : { separator }) };
}

/** The inverse of how tmpfiles.d lines are written. */
function unescaped(path: ByteString): ByteString {
  return fromText(Buffer.from(path, "latin1").toString().replaceAll("\\x20", " ").replaceAll("\\\\", "\\").replaceAll("%%", "%"));
}

/** Whether a path of packages or of the config, as they name it, goes with what was chosen. */
function inOlder(
  path: ByteString,
  { newer, older, selection }: { readonly newer: Root; readonly older: Root; readonly selection: Selection },
): boolean {
  const place = placeOf(toText(path));
  if (selection.grains.some((grain) => decides(grain, place))) return true;
  if (declaredPaths(newer.system).has(place)) return false;
  const owners = [newer, older].flatMap(({ database }) => database.ownersOf(path));
  return owners.length > 0 && owners.every((name) => selection.packages.has(name));
}
