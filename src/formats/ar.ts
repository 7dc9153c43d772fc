/**
 * ar archives as dpkg uses them: the common format without long names.
 * https://manpages.debian.org/trixie/dpkg-dev/deb.5 (FORMAT)
 */
import { AshlarError } from "#errors";

export type ArErrorCode = "E_AR_SYNTAX" | "E_AR_TRUNCATED";

export interface ArMember {
  readonly name: string;
  readonly content: Buffer;
}

const MAGIC = "!<arch>\n";
const HEADER_SIZE = 60;
const HEADER_END = "`\n";

/**
 * Splits an archive into its members; contents are views of `bytes`.
 * @throws E_AR_SYNTAX (no archive, bad header), E_AR_TRUNCATED (a member ends after the file does)
 */
export function readAr(bytes: Buffer): ArMember[] {
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) throw new AshlarError<ArErrorCode>("E_AR_SYNTAX", "not an ar archive");
  const members: ArMember[] = [];
  for (let at = MAGIC.length; at < bytes.length;) {
    if (at + HEADER_SIZE > bytes.length) throw truncated(`header at byte ${at}`);
    const header = bytes.toString("latin1", at, at + HEADER_SIZE);
    const size = header.slice(48, 58).trimEnd();
    if (!header.endsWith(HEADER_END) || !/^[0-9]+$/.test(size))
      throw new AshlarError<ArErrorCode>("E_AR_SYNTAX", `bad ar header at byte ${at}`);
    const name = header.slice(0, 16).trimEnd().replace(/\/$/, "");
    const begin = at + HEADER_SIZE;
    const end = begin + Number(size);
    if (end > bytes.length) throw truncated(`member ${name} needs ${size} bytes, ${bytes.length - begin} are there`);
    members.push({ name, content: bytes.subarray(begin, end) });
    at = end + (end % 2);
  }
  return members;
}

/** Writes an archive with all times and owners zero; names are at most 16 ASCII characters. */
export function writeAr(members: readonly ArMember[]): Buffer {
  const parts: Buffer[] = [Buffer.from(MAGIC)];
  for (const { name, content } of members) {
    if (!/^[!-~]{1,16}$/.test(name) || name.includes("/")) throw new RangeError(`not a name for an ar member: ${name}`);
    const header = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(content.length).padEnd(10)}`;
    parts.push(Buffer.from(header + HEADER_END, "latin1"), content);
    if (content.length % 2 === 1) parts.push(Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}

function truncated(what: string): AshlarError<ArErrorCode> {
  return new AshlarError("E_AR_TRUNCATED", `the ar archive is truncated: ${what}`);
}
