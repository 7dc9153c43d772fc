/**
 * The entries of the boot menu for bad days: Failsafe, and Factory reset.
 *
 *   ashlar-failsafe+0.conf     boots a good generation with its defaults, data read-only
 *   ashlar-reset+0.conf        the same, and asks whether to erase the machine's data
 *
 * Neither ever starts by itself. With no try left an entry comes after all that have some, and their sort-keys put them
 * behind generations that are out of tries too (order.ts). systemd-boot renames what somebody chose to `+0-1`, which changes
 * nothing; it must not be blessed, so the kernel command line masks that.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import { syncFolder } from "#sys/atomic.ts";
import { ENTRIES, listEntries, readLoader } from "./loader.ts";
import { entryOptions, pad, parseEntry } from "./entry.ts";
import type { BootEntry } from "./entry.ts";
import { removeEntryFile, renameEntryFile, writeEntryFile } from "./entry-file.ts";
import { parseEntryName } from "./entry-name.ts";
import type { BootErrorCode } from "./errors.ts";

export type RecoveryKind = "failsafe" | "reset";

const TITLES: Readonly<Record<RecoveryKind, string>> = { failsafe: "Failsafe", reset: "Factory reset" };
const KINDS = Object.keys(TITLES) as RecoveryKind[];
const ID = /^ashlar-(failsafe|reset)$/;

/** What a system lets its boot menu offer. */
export function recoveryKinds({ failsafe, factoryReset }: System["boot"]): RecoveryKind[] {
  return [...(failsafe === "off" ? [] : (["failsafe"] as const)), ...(factoryReset ? (["reset"] as const) : [])];
}

/** File name of an entry that was never chosen. */
export function recoveryFileName(kind: RecoveryKind): string {
  return `ashlar-${kind}+0.conf`;
}

/** Its text, from the entry of the generation whose kernel and image it uses. */
export function renderRecovery(kind: RecoveryKind, entry: BootEntry): string {
  const special = ["ashlar.failsafe", `systemd.unit=ashlar-${kind}.target`, "systemd.mask=systemd-bless-boot.service"];
  return `title ${TITLES[kind]} (${entry.title})
version ${pad(entry.activation)}
sort-key ashlar-${kind}
linux /ashlar/${entry.kernelId}/linux
initrd /ashlar/${entry.kernelId}/initrd
options ${entryOptions(entry, { root: "ro", special }).join(" ")}
`;
}

/** The entries that are there, with the generation whose image they need. Damaged ones need none. */
export function readRecovery(esp: string): { readonly kind: RecoveryKind; readonly entry: BootEntry }[] {
  return KINDS.flatMap((kind) => {
    const entry = readOne(esp, kind);
    return entry === undefined ? [] : [{ kind, entry }];
  });
}

/**
 * Makes the menu offer just these kinds, from the entry of a generation. What is right already is not written.
 * @throws E_ENTRY_MISSING; ENOSPC of the file system, in which case the old entries are still there
 */
export function offerRecovery(esp: string, generation: number, kinds: readonly RecoveryKind[]): void {
  const source = readLoader(esp).entries.find(({ entry }) => entry?.generation === generation)?.entry;
  if (source === undefined)
    throw new AshlarError<BootErrorCode>("E_ENTRY_MISSING", `${esp}/${ENTRIES} has no entry of generation ${generation}`, {
      hint: "`ashlar generations` lists those there are",
      details: { generation },
    });
  for (const kind of KINDS) {
    const names = namesOf(esp, kind);
    const [name] = names;
    if (!kinds.includes(kind)) names.forEach((each) => removeEntryFile(join(esp, ENTRIES, each)));
    else if (name === undefined || names.length > 1 || !isSame(esp, name, renderRecovery(kind, source))) {
      writeEntryFile(join(esp, ENTRIES, recoveryFileName(kind)), renderRecovery(kind, source));
      for (const each of names) if (each !== recoveryFileName(kind)) removeEntryFile(join(esp, ENTRIES, each));
    } else if (parseEntryName(name)?.tries?.left !== 0)
      renameEntryFile(join(esp, ENTRIES, name), join(esp, ENTRIES, recoveryFileName(kind)));
  }
  syncFolder(join(esp, ENTRIES));
}

/** The activation number tells nothing here, and changes with every rollback. */
function isSame(esp: string, name: string, wanted: string): boolean {
  const comparable = (text: string): string => text.replace(/^version .*$/m, "");
  return comparable(readFileSync(join(esp, ENTRIES, name), "utf8")) === comparable(wanted);
}

function readOne(esp: string, kind: RecoveryKind): BootEntry | undefined {
  const [name] = namesOf(esp, kind);
  if (name === undefined) return undefined;
  try {
    return parseEntry(readFileSync(join(esp, ENTRIES, name), "utf8"), name);
  } catch (error) {
    if (error instanceof AshlarError && error.code === "E_ENTRY_MALFORMED") return undefined;
    throw error;
  }
}

function namesOf(esp: string, kind: RecoveryKind): string[] {
  return listEntries(esp).filter((name) => ID.exec(parseEntryName(name)?.id ?? "")?.[1] === kind);
}
