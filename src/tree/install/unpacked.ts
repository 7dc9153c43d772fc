/** What unpacking one package tells: everything that its record in dpkg's database needs. */
import type { ByteString } from "#formats/bytes.ts";

export interface UnpackedPackage {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  /** The control file's text, as in the archive. */
  readonly control: string;
  /** Other members of the control archive: scripts, conffiles, triggers, md5sums, templates, … */
  readonly members: ReadonlyMap<string, Buffer>;
  /** Paths in archive order, as dpkg lists them ("/.", "/usr", …). */
  readonly list: readonly ByteString[];
  /** Directories with the ownership that this package gives them. */
  readonly directories: readonly { readonly path: ByteString; readonly mode: number; readonly uid: number; readonly gid: number }[];
  /** Non-directories that were there already: another package has them too. */
  readonly clashes: readonly ByteString[];
}

/** A field of a control file, without continuation lines. */
export function controlField(control: string, field: string): string | undefined {
  return new RegExp(`^${field}:[ \\t]*(.*)$`, "im").exec(control)?.[1]?.trim();
}

/** dpkg's name of a package's files: "libc6:amd64" where several architectures can be installed together. */
export function infoName(unpacked: Pick<UnpackedPackage, "name" | "architecture" | "control">): string {
  return controlField(unpacked.control, "Multi-Arch") === "same" ? `${unpacked.name}:${unpacked.architecture}` : unpacked.name;
}
