/** What this stage asks of the boot stage: the entries of the boot loader, by generation. `agent/loader.ts` provides it. */
import type { Image } from "#image/image.ts";
import type { ObjectId } from "#store/object.ts";

export interface Entry {
  readonly generation: number;
  readonly activation: number;
  readonly digest: ObjectId;
  /** Absent once the generation is known to be good. */
  readonly tries?: { readonly left: number; readonly done: number };
}

export interface Entries {
  /** Ashlar's entries in the order of the boot menu. */
  readonly all: readonly Entry[];
  /** Generation that starts when nobody chooses; undefined when that is none of Ashlar's. */
  readonly next: number | undefined;
  /** The highest activation number; a higher one starts next. */
  readonly activation: number;
  /** Entries that are no generation's own (Failsafe, Factory reset), with the generation whose kernel and image they start. */
  readonly recovery: readonly { readonly kind: string; readonly generation: number; readonly digest: ObjectId }[];
  /** Entries of Ashlar that cannot be read. */
  readonly problems: readonly string[];
}

export interface KernelFiles {
  readonly linux: Buffer;
  readonly initrd: Buffer;
}

export interface Loader {
  /** Where the ESP is mounted. */
  readonly esp: string;
  entries(): Entries;
  /** Bytes that installing takes, and those that are free. */
  space(files: KernelFiles): { readonly needed: number; readonly free: number };
  /** Kernel and initrd first, the entry last; durable when it returns. */
  install(image: Image, request: { readonly generation: number; readonly activation: number; readonly kernelFiles: KernelFiles }): void;
  /** Rewrites the activation number in place. */
  activate(generation: number, activation: number): void;
  /** Renames its entry: no counter, it is good. Nothing happens when it has none. */
  uncount(generation: number): void;
  /** Renames its entry: no try is left. Needs no free space. */
  exhaust(generation: number): void;
  remove(generation: number): void;
  /** Removes kernels that no entry names. */
  prune(): void;
}
