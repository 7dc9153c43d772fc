/**
 * Debian binary packages.
 * https://manpages.debian.org/trixie/dpkg-dev/deb.5
 */
import { AshlarError } from "#errors";
import { readAr } from "./ar.ts";
import type { ArMember } from "./ar.ts";
import { parseDeb822 } from "./deb822.ts";
import type { Paragraph } from "./deb822.ts";
import { decompress } from "./decompress.ts";
import { readTar } from "./tar/reader.ts";

export type DebErrorCode = "E_DEB_SYNTAX";

export interface Deb {
  /** Fields of the control file. */
  readonly control: Paragraph;
  /** The control file as it is. */
  readonly controlText: string;
  /** The other members of the control archive by name: postinst, conffiles, md5sums, triggers, … */
  readonly members: ReadonlyMap<string, Buffer>;
  /** The decompressed data archive, for `readTar`. */
  readonly dataTar: Buffer;
}

/** Bytes that a package may unfold to: a Buffer's length, and more than any package of Debian that a machine boots from. */
const DATA_LIMIT = 4 * 1024 ** 3 - 1;
const CONTROL_LIMIT = 64 * 1024 ** 2;

/**
 * Reads a package; decompression runs off the main thread.
 * @throws E_DEB_SYNTAX, E_AR_*, E_TAR_*, E_XZ_SYNTAX, E_DECOMPRESS_*
 */
export async function readDeb(bytes: Buffer): Promise<Deb> {
  const { control, data } = packageMembers(bytes);
  const [controlTar, dataTar] = await Promise.all([
    decompress(control.name, control.content, CONTROL_LIMIT),
    decompress(data.name, data.content, DATA_LIMIT),
  ]);
  return { ...parseControl(controlTar), dataTar };
}

/** Reads a package's control archive alone. @throws as {@link readDeb} */
export async function readDebControl(bytes: Buffer): Promise<Omit<Deb, "dataTar">> {
  const { control } = packageMembers(bytes);
  return parseControl(await decompress(control.name, control.content, CONTROL_LIMIT));
}

function packageMembers(bytes: Buffer): { control: ArMember; data: ArMember } {
  const members = readAr(bytes);
  const version = members[0];
  if (version?.name !== "debian-binary" || !/^2\.\d+\n/.test(version.content.toString("latin1", 0, 16)))
    throw debError("not a Debian package of format 2");
  return { control: memberNamed(members, "control.tar"), data: memberNamed(members, "data.tar") };
}

function memberNamed(members: readonly ArMember[], stem: string): ArMember {
  const found = members.filter((member) => member.name === stem || member.name.startsWith(`${stem}.`));
  const [member] = found;
  if (member === undefined || found.length > 1) throw debError(`the package has ${found.length} members ${stem}`);
  return member;
}

function parseControl(controlTar: Buffer): Omit<Deb, "dataTar"> {
  const members = new Map<string, Buffer>();
  for (const entry of readTar(controlTar)) if (entry.type === "file") members.set(entry.path.slice(1), entry.content);
  const controlText = members.get("control")?.toString();
  const [control] = controlText === undefined ? [] : parseDeb822(controlText);
  if (controlText === undefined || control === undefined) throw debError("the package has no control file");
  members.delete("control");
  return { control, controlText, members };
}

function debError(what: string): AshlarError<DebErrorCode> {
  return new AshlarError("E_DEB_SYNTAX", what);
}
