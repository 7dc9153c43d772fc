/**
 * EFI_LOAD_OPTION: the value of a `Boot####` variable, for a program on a GPT partition.
 * https://uefi.org/specs/UEFI/2.10/03_Boot_Manager.html#load-options and 10_Protocols_Device_Path_Protocol.html (HD, file path, end)
 */
import { writeGuid } from "./gpt.ts";

export interface LoadOption {
  readonly description: string;
  readonly partition: GptPartition;
  /** With backslashes: "\EFI\systemd\systemd-bootx64.efi". */
  readonly path: string;
}

export interface GptPartition {
  readonly number: number;
  /** First block and count, in blocks of the disk. */
  readonly start: number;
  readonly size: number;
  /** Unique GUID, as text. */
  readonly guid: string;
}

const ACTIVE = 1;
const MEDIA = 4;
const HARD_DRIVE = 1;
const FILE_PATH = 4;
const END = Buffer.from([0x7f, 0xff, 4, 0]);
const GPT = 2;
const GUID = 2;

export function encodeLoadOption({ description, partition, path }: LoadOption): Buffer {
  const drive = Buffer.alloc(38);
  drive.writeUInt32LE(partition.number, 0);
  drive.writeBigUInt64LE(BigInt(partition.start), 4);
  drive.writeBigUInt64LE(BigInt(partition.size), 12);
  writeGuid(drive, 20, partition.guid);
  drive.writeUInt8(GPT, 36);
  drive.writeUInt8(GUID, 37);
  const paths = Buffer.concat([node(HARD_DRIVE, drive), node(FILE_PATH, utf16(path)), END]);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(ACTIVE, 0);
  head.writeUInt16LE(paths.length, 4);
  return Buffer.concat([head, utf16(description), paths]);
}

function node(subtype: number, content: Buffer): Buffer {
  const head = Buffer.from([MEDIA, subtype, 0, 0]);
  head.writeUInt16LE(head.length + content.length, 2);
  return Buffer.concat([head, content]);
}

function utf16(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf16le");
}
