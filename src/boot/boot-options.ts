/**
 * The firmware's boot options. A kernel that cannot even be loaded makes systemd-boot return to the firmware, which then goes
 * on to its next boot option (UEFI 2.10, §3.1.7): without another one of ours the machine would end in the firmware's
 * setup or wait for a network. With one more than a generation has tries, the boot loader comes back until it takes the
 * generation before. (systemd 258 restarts by itself instead. OVMF takes the options, but stops with an exception when systemd-boot
 * 257 returns, so that this was not seen to help there.)
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";
import { encodeLoadOption } from "#formats/efi-load-option.ts";
import type { GptPartition } from "#formats/efi-load-option.ts";

/** EFI_GLOBAL_VARIABLE. */
const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/** Non-volatile, seen at boot and at run time. efivarfs puts it before each value. */
const ATTRIBUTES = Buffer.from([7, 0, 0, 0]);
const LOADER = "\\EFI\\systemd\\systemd-bootx64.efi";
/** One more than the default of `boot.tries`. */
const OPTIONS = 4;

/**
 * Makes the boot loader the firmware's first boot options, once: whoever changes their order later is right.
 * @param efivars where efivarfs is mounted
 * @param esp partition that the boot loader is on
 * @returns whether something was written
 * @throws system errors, such as ENOSPC when the firmware has no room
 */
export function registerLoader(efivars: string, esp: GptPartition): boolean {
  const wanted = Array.from({ length: OPTIONS }, (_, index) =>
    encodeLoadOption({ description: index === 0 ? "Ashlar" : `Ashlar (again ${index})`, partition: esp, path: LOADER }),
  );
  const present = new Map(readdirSync(efivars).flatMap((name) => optionOf(efivars, name)));
  const own: number[] = [];
  const missing: { number: number; value: Buffer }[] = [];
  for (const value of wanted) {
    const found = [...present].find(([, other]) => other.equals(value))?.[0];
    const number = found ?? firstFree(new Set(present.keys()));
    if (found === undefined) missing.push({ number, value });
    present.set(number, value);
    own.push(number);
  }
  if (missing.length === 0) return false;
  for (const { number, value } of missing) write(efivars, `Boot${hex(number)}`, value);
  const order = Buffer.from(readOrder(efivars));
  const others = Array.from({ length: order.length >> 1 }, (_, index) => order.readUInt16LE(index * 2)).filter(
    (each) => !own.includes(each),
  );
  write(efivars, "BootOrder", Buffer.from(Uint16Array.from([...own, ...others]).buffer));
  return true;
}

function optionOf(efivars: string, name: string): [number, Buffer][] {
  const number = new RegExp(`^Boot([0-9A-F]{4})-${GLOBAL}$`).exec(name)?.[1];
  return number === undefined ? [] : [[Number.parseInt(number, 16), readFileSync(join(efivars, name)).subarray(ATTRIBUTES.length)]];
}

function readOrder(efivars: string): Buffer {
  try {
    return readFileSync(join(efivars, `BootOrder-${GLOBAL}`)).subarray(ATTRIBUTES.length);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return Buffer.alloc(0);
    throw error;
  }
}

/** One write for one variable: efivarfs hands each to the firmware. */
function write(efivars: string, name: string, value: Buffer): void {
  writeFileSync(join(efivars, `${name}-${GLOBAL}`), Buffer.concat([ATTRIBUTES, value]));
}

function firstFree(used: ReadonlySet<number>): number {
  let number = 0;
  while (used.has(number)) number++;
  return number;
}

function hex(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, "0");
}
