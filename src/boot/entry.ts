/**
 * BootEntry: one generation in systemd-boot's menu, a Type #1 entry of the Boot Loader Specification.
 * https://uapi-group.org/specifications/specs/boot_loader_specification/
 *
 *   ashlar-000002+3.conf            generation, tries left (boot counting); "+2-1" after one try; no counter once blessed
 *     title Web (generation 2)
 *     version 000002                activation: the highest one starts; rewritten in place to roll back
 *     sort-key ashlar               the same for all, so that the version decides
 *     linux /ashlar/KERNELID/linux
 *     initrd /ashlar/KERNELID/initrd
 *     options composefs=DIGEST root=PARTLABEL=ashlar …
 */
import { AshlarError } from "#errors";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import type { BootErrorCode } from "./errors.ts";

export interface BootEntry {
  readonly title: string;
  readonly generation: number;
  /** Only rises; decides which entry starts. */
  readonly activation: number;
  /** Folder below /ashlar on the ESP: {@link kernelIdOf}. */
  readonly kernelId: string;
  /** The composefs image. */
  readonly image: ObjectId;
  /** Kernel arguments of the System, after Ashlar's own. */
  readonly arguments: readonly string[];
}

/** Rewriting the activation number touches the first sector only, which a disk writes as a whole. */
export const ENTRY_SECTOR = 512;
export const SORT_KEY = "ashlar";
/** Both numbers are zero-padded to this, so that names sort and a new activation fits in the old one's place. */
const DIGITS = 6;
const NUMBER_MAX = 10 ** DIGITS - 1;
/** A kernel that panics restarts after this many seconds, so that the boot loader can count. */
const PANIC_SECONDS = 30;

/**
 * The text of an entry; inverse of {@link parseEntry}.
 * @throws E_ENTRY_TOO_LONG when the title pushes `version` out of the first sector; E_ENTRY_MALFORMED for an argument with a line break
 */
export function renderEntry(entry: BootEntry): string {
  const head = `title ${entry.title}\nversion ${pad(entry.activation)}\n`;
  if (Buffer.byteLength(head) > ENTRY_SECTOR)
    throw new AshlarError<BootErrorCode>(
      "E_ENTRY_TOO_LONG",
      `the title of generation ${entry.generation} has ${Buffer.byteLength(entry.title)} bytes`,
      {
        hint: "give the system a shorter name in the config",
      },
    );
  for (const argument of entry.arguments)
    if (splitArguments(argument).length !== 1 || splitArguments(argument)[0] !== argument || /[\n\r]/.test(argument))
      throw malformed(
        `kernel argument ${JSON.stringify(argument)}`,
        'one argument to an element of kernel.arguments, blanks in quotes: name="a b"',
      );
  return `${head}sort-key ${SORT_KEY}
linux /ashlar/${entry.kernelId}/linux
initrd /ashlar/${entry.kernelId}/initrd
options ${entryOptions(entry).join(" ")}
`;
}

/**
 * The kernel command line of an entry.
 * @param how.root how the physical root is mounted; writable when absent
 * @param how.special arguments of an entry that is no ordinary start
 */
export function entryOptions(entry: BootEntry, how: { readonly root?: "ro" | "rw"; readonly special?: readonly string[] } = {}): string[] {
  return [
    `composefs=${entry.image}`,
    "root=PARTLABEL=ashlar",
    "rootfstype=ext4",
    how.root ?? "rw",
    `ashlar.generation=${entry.generation}`,
    ...(how.special ?? []),
    `panic=${PANIC_SECONDS}`,
    ...entry.arguments,
  ];
}

/**
 * Reads an entry that {@link renderEntry} made.
 * @throws E_ENTRY_MALFORMED naming what is missing
 */
export function parseEntry(text: string, name = "entry"): BootEntry {
  const fields = parseFields(text);
  const field = (key: string): string => {
    const value = fields.get(key);
    if (value === undefined) throw malformed(`${name}: no ${key}`);
    return value;
  };
  const options = splitArguments(field("options"));
  const option = (key: string): string => {
    const found = options.find((word) => word.startsWith(`${key}=`));
    if (found === undefined) throw malformed(`${name}: no ${key}= in options`);
    return found.slice(key.length + 1);
  };
  const image = parseObjectId(option("composefs"));
  if (image === undefined) throw malformed(`${name}: composefs=${option("composefs")} is no digest`);
  const kernelId = /^\/ashlar\/([0-9a-f]{32})\/linux$/.exec(field("linux"))?.[1];
  if (kernelId === undefined) throw malformed(`${name}: linux ${field("linux")}`);
  return {
    title: field("title"),
    generation: parseNumber(option("ashlar.generation"), `${name}: ashlar.generation`),
    activation: parseNumber(field("version"), `${name}: version`),
    kernelId,
    image,
    arguments: options.slice(options.indexOf(`panic=${PANIC_SECONDS}`) + 1),
  };
}

/** `key value` lines to a map; comments and empty lines dropped, a repeated key joined by a blank as systemd-boot does. */
export function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^\s*([^\s#]\S*)\s+(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const before = fields.get(key);
    fields.set(key, before === undefined ? value : `${before} ${value}`);
  }
  return fields;
}

/** Zero-padded number as it is in names and versions. */
export function pad(number: number): string {
  if (!Number.isInteger(number) || number < 0 || number > NUMBER_MAX)
    throw new AshlarError<BootErrorCode>("E_ENTRY_TOO_LONG", `generation and activation numbers are 0–${NUMBER_MAX}, not ${number}`);
  return String(number).padStart(DIGITS, "0");
}

function parseNumber(text: string, what: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) throw malformed(`${what} ${text}`);
  return Number(text);
}

/** Blanks separate arguments, but not inside double quotes. */
function splitArguments(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
}

function malformed(
  what: string,
  hint = "remove the entry (`ashlar collect`) or write it anew (`ashlar upgrade`)",
): AshlarError<BootErrorCode> {
  return new AshlarError("E_ENTRY_MALFORMED", `malformed loader entry: ${what}`, { hint });
}
