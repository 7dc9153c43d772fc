/** Parsers of what a machine finds on its disks. */
import { parseEntryName } from "#boot/entry-name.ts";
import { parseEntry, renderEntry } from "#boot/entry.ts";
import { firstDeployment, parseDeployment, renderDeployment } from "#deployment/deployment.ts";
import { parseExport } from "#drift/export.ts";
import { renderDumpfile } from "#formats/composefs/dumpfile.ts";
import { parseDumpfile } from "#formats/composefs/dumpfile-parse.ts";
import { readCpio, writeCpio } from "#formats/cpio.ts";
import { readImage } from "#formats/erofs/reader.ts";
import { GPT_HEAD, PARTITION_TYPE, SECTOR, readGpt, writeGpt } from "#formats/gpt.ts";
import { parseMountinfo } from "#formats/mountinfo.ts";
import { efiObstacle } from "#formats/pe.ts";
import type { Image } from "#image/image.ts";
import { crc32 } from "node:zlib";
import { noise } from "../release-fixture.ts";
import { tinyKernel } from "../tiny-kernel.ts";
import { ofText } from "./parser.ts";
import type { Parser } from "./parser.ts";

const GUID = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";

/** @param tree the bytes of the image's composefs image */
export function imageParsers(image: Image, tree: Buffer): Parser[] {
  const entry = { title: "web (generation 2)", generation: 2, activation: 3, kernelId: "a".repeat(32), image: image.digest };
  const drift = {
    version: 1,
    name: "web",
    image: image.digest,
    items: [{ kind: "file", name: "/etc/a", change: "added", path: "/etc/a", node: { type: "symlink", target: "/b" } }],
    accounts: { passwd: "root:x:0:0::/root:/bin/sh\n", group: "root:x:0:\n" },
  };
  return [
    { name: "composefs image", inputs: [tree], read: readImage },
    { name: "dumpfile", inputs: [Buffer.from(renderDumpfile(readImage(tree)), "latin1")], read: ofText(parseDumpfile) },
    { name: "cpio", inputs: [initrd()], read: readCpio },
    { name: "EFI program", inputs: [tinyKernel(noise(3, 2000))], read: (bytes) => efiObstacle(bytes, process.arch) },
    { name: "partition table", inputs: [table()], seal: sealTable, read: readGpt },
    { name: "boot entry", inputs: [Buffer.from(renderEntry({ ...entry, arguments: ["quiet", 'a="b c"'] }))], read: ofText(parseEntry) },
    { name: "name of a boot entry", inputs: [Buffer.from("ashlar-000012+2-1.conf")], read: ofText(parseEntryName) },
    { name: "record of a generation", inputs: [Buffer.from(renderDeployment(firstDeployment(image)))], read: ofText(parseDeployment) },
    { name: "exported drift", inputs: [Buffer.from(JSON.stringify(drift))], read: ofText((text) => parseExport(text, "fuzz")) },
    {
      name: "mounts",
      inputs: [Buffer.from("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n")],
      read: ofText(parseMountinfo),
    },
  ];
}

function initrd(): Buffer {
  return writeCpio(
    [
      { kind: "directory", path: "usr", mode: 0o755 },
      { kind: "file", path: "usr/file", mode: 0o755, content: noise(3, 900) },
      { kind: "symlink", path: "bin", target: "usr/bin" },
    ],
    0,
  );
}

function table(): Buffer {
  const esp = { type: PARTITION_TYPE.esp, guid: GUID, name: "esp", start: 1 << 20, size: 1 << 26 };
  return writeGpt({ guid: GUID, diskSize: 1 << 30, partitions: [esp] }).head;
}

/** UEFI 2.10, 5.3.2: the entries' checksum is part of what the header's covers. */
function sealTable(bytes: Buffer): Buffer {
  if (bytes.length < GPT_HEAD) return bytes;
  const sealed = Buffer.from(bytes);
  const header = sealed.subarray(SECTOR, SECTOR + 92);
  header.writeUInt32LE(crc32(sealed.subarray(2 * SECTOR, GPT_HEAD)), 88);
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header), 16);
  return sealed;
}
