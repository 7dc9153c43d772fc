/** Makes sure that the firmware comes back to the boot loader; done after a start that works. */
import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { registerLoader } from "#boot/boot-options.ts";
import type { GptPartition } from "#formats/efi-load-option.ts";

const SECTOR = 512;

/** @returns why it could not be done; a machine works without, so that is nothing to fail for */
export function rememberLoader(root: string): string | undefined {
  const efivars = join(root, "sys/firmware/efi/efivars");
  if (!existsSync(efivars)) return undefined;
  try {
    registerLoader(efivars, espOf(root));
    return undefined;
  } catch (error) {
    if (!(error instanceof Error && "errno" in error)) throw error;
    return `the firmware's boot options were not written: ${error.message}`;
  }
}

/** @throws system errors when there is no such partition */
function espOf(root: string): GptPartition {
  const device = realpathSync(join(root, "dev/disk/by-partlabel/esp"));
  const block = join(root, "sys/class/block", basename(device));
  const number = (name: string): number => Number(readFileSync(join(block, name), "utf8"));
  // sysfs counts in 512 bytes whatever the disk's blocks are; a partition's folder lies in its disk's.
  const perBlock = Number(readFileSync(join(realpathSync(block), "../queue/logical_block_size"), "utf8")) / SECTOR;
  const guids = join(root, "dev/disk/by-partuuid");
  const guid = readdirSync(guids).find((name) => realpathSync(join(guids, name)) === device) ?? "";
  return { number: number("partition"), start: number("start") / perBlock, size: number("size") / perBlock, guid };
}
