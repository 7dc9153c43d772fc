/** What must be true of a machine whatever happened to a command on it, by looking at its files alone. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { openLoader } from "../../src/agent/loader.ts";
import { kernelIdOf } from "#boot/kernel-id.ts";
import { readLoader } from "#boot/loader.ts";
import { readRecords } from "#deployment/records.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import { verityDigest } from "#formats/fsverity.ts";
import type { EspVerdict, RootVerdict } from "./verdict.ts";

/** The generation that starts next. */
export function nextOf(root: string): number | undefined {
  return openLoader(join(root, "efi")).entries().next;
}

export function espVerdict(root: string): EspVerdict {
  const esp = join(root, "efi");
  const state = readLoader(esp);
  const entries = state.entries.flatMap(({ fileName, entry, tries }) =>
    entry === undefined
      ? []
      : [{ fileName, generation: entry.generation, image: entry.image, startable: tries?.left !== 0, kernelId: entry.kernelId }],
  );
  const kernels = entries
    .filter(({ startable }) => startable)
    .flatMap(({ fileName, kernelId }) => {
      const at = (name: string): string => join(esp, "ashlar", kernelId, name);
      if (!existsSync(at("linux")) || !existsSync(at("initrd"))) return [`${fileName}: ashlar/${kernelId} is not whole`];
      return kernelIdOf(readFileSync(at("linux")), readFileSync(at("initrd"))) === kernelId
        ? []
        : [`${fileName}: ashlar/${kernelId} has other content`];
    });
  return { problems: [...state.entries.flatMap(({ problem }) => problem ?? []), ...kernels], entries, next: state.next?.entry?.generation };
}

export function rootVerdict(root: string): RootVerdict {
  const store = join(root, "sysroot/ashlar/store");
  const pathOf = (object: string): string => join(store, "objects", object.slice(0, 2), object.slice(2));
  const { deployments, unreadable } = readRecords(join(root, "sysroot/ashlar/deployments"));
  const damage = (object: string): string[] => {
    if (!existsSync(pathOf(object))) return [`object ${object} is missing`];
    return verityDigest(readFileSync(pathOf(object))) === object ? [] : [`object ${object} has other content`];
  };
  const images = readdirSync(join(store, "images")).map((image): [string, string[]] => {
    const own = damage(image);
    return [image, own.length > 0 ? own : objectsOfImage(readFileSync(pathOf(image))).flatMap(({ object }) => damage(object))];
  });
  return {
    problems: unreadable.map(({ path, why }) => `${path}: ${why}`),
    records: new Set(deployments.map(({ number }) => number)),
    images: new Map(images),
    kept: new Map(),
  };
}

/** The paths of all that a machine keeps, sorted: two machines that did the same have the same. */
export function keptFiles(root: string): string[] {
  const within = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  return [...within("efi"), ...within("sysroot")].sort();
}
