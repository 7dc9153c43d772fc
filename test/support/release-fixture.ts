/** Images of a small tree in a real store, to publish, stage and boot from. */
import assert from "node:assert/strict";
import { constants, existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Image } from "../../src/image/image.ts";
import { sealTree } from "../../src/image/seal.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/store.ts";
import type { TreeNode } from "../../src/tree/tree.ts";
import { tinyKernel } from "./tiny-kernel.ts";

export interface Scratch {
  readonly path: string;
  [Symbol.dispose](): void;
}

/** A temporary folder that goes away with its block; in memory, so that the fsyncs of hundreds of steps cost nothing. */
export function scratch(): Scratch {
  const path = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ashlar-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export async function openTestStore(root: string): Promise<Store> {
  const store = await openStore(root, { verity: "off", workers: 0 });
  return {
    ...store,
    addFiles: (files, options) => {
      for (const { path } of files) assert.deepEqual(writersOf(path.toString()), [], "with fs-verity it could not be stored");
      return store.addFiles(files, options);
    },
  };
}

/** Descriptors of this process that are open for writing: fs-verity refuses such a file, and this kernel may have none. */
function writersOf(path: string): string[] {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== path) return false;
      const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
      return (Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
    } catch {
      // The descriptor with which the list was read.
      return false;
    }
  });
}

/** Deterministic bytes that zstd cannot make smaller. */
export function noise(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed + 1;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

/**
 * Puts an image into the store whose files are `/file-<n>`.
 * @param contents a change of one makes another image
 */
export function makeImage(store: Store, contents: readonly Buffer[], name = "web"): Image {
  const owner = { mode: 0o644, uid: 0, gid: 0 };
  const nodes = new Map<string, TreeNode>([["/", { ...owner, kind: "directory", mode: 0o755 }]]);
  for (const [at, content] of contents.entries())
    nodes.set(`/file-${at}`, { ...owner, kind: "file", content: { object: store.add(content), size: content.length } });
  const digest = sealTree({ mtime: 0, nodes }, store);
  return {
    version: 1,
    name,
    digest,
    kernel: { version: "6.12.0", linux: store.add(tinyKernel(noise(1, 3000))), initrd: store.add(noise(2, 5000)), arguments: ["quiet"] },
    boot: { timeout: 3, tries: 3 },
    config: "c".repeat(64),
    lock: "d".repeat(64),
    epoch: 0,
  };
}
