/** Images of a small tree in a real store, to publish, stage and boot from. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
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

export function openTestStore(root: string): Promise<Store> {
  return openStore(root, { verity: "off", workers: 0 });
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
