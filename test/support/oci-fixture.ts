/** Small images with packages and a dpkg database, as trees in a store. */
import { canonicalJson } from "#formats/canonical-json.ts";
import type { Image } from "#image/image.ts";
import { sealTree } from "#image/seal.ts";
import { exportImage } from "#registry/oci/image.ts";
import type { ExportedImage, ImageParts } from "#registry/oci/image.ts";
import type { Descriptor } from "#registry/oci/manifest.ts";
import { exportRelease } from "#registry/oci/release.ts";
import { exportTrust, targetsOfLayout } from "#registry/oci/trust.ts";
import { placeFiles } from "#registry/trust/place.ts";
import type { KeyRing } from "#registry/trust/ring.ts";
import { silentReporter } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import type { Tree, TreeNode } from "#tree/tree.ts";
import { noise } from "./release-fixture.ts";
import { tinyKernel } from "./tiny-kernel.ts";

const OWNER = { mode: 0o644, uid: 0, gid: 0 } as const;
const INFO = "/usr/lib/sysimage/dpkg/info";
const KERNEL = "6.12.0-test";

/**
 * A tree with packages `p0`…`p19` of small files, `big` of 5 MiB, and everything that is easily lost: hard links, setuid,
 * capabilities, owners, names that are not UTF-8, empty folders.
 * @param version of package p3; only its files differ
 */
export function ociParts(store: Store, { version = "1", epoch = 1_700_000_000 }: { version?: string; epoch?: number } = {}): ImageParts {
  const nodes = new Map<string, TreeNode>();
  const folder = (path: string): void => {
    if (path !== "/") folder(path.slice(0, path.lastIndexOf("/")) || "/");
    if (!nodes.has(path)) nodes.set(path, { ...OWNER, kind: "directory", mode: 0o755 });
  };
  const file = (path: string, bytes: Buffer, owner: Partial<TreeNode & { kind: "file" }> = {}): void => {
    folder(path.slice(0, path.lastIndexOf("/")) || "/");
    const content = bytes.length <= 64 ? { inline: bytes } : { object: store.add(bytes), size: bytes.length };
    nodes.set(path, { ...OWNER, kind: "file", content, ...owner });
  };
  const lists = (name: string, paths: readonly string[]): void => file(`${INFO}/${name}.list`, Buffer.from(`/.\n${paths.join("\n")}\n`));
  for (let at = 0; at < 20; at++) {
    file(`/usr/lib/p${at}/data`, noise(at === 3 ? at + Number(version) * 100 : at, 9000));
    file(`/usr/bin/p${at}`, Buffer.from(`#!/bin/sh\necho p${at} ${at === 3 ? version : "1"}\n`), { mode: 0o755 });
    lists(`p${at}`, [`/usr/lib/p${at}/data`, `/bin/p${at}`]);
  }
  file("/usr/lib/big/blob", noise(77, 5 * 1024 * 1024));
  lists("big", ["/usr/lib/big/blob"]);
  file(`/usr/lib/modules/${KERNEL}/vmlinuz`, tinyKernel(noise(5, 70_000)));
  file("/usr/bin/tool", noise(8, 4000), { mode: 0o4755, gid: 7 });
  nodes.set("/usr/bin/zlink", { kind: "hardlink", target: "/usr/bin/tool" });
  file("/usr/bin/ping", noise(9, 500), {
    mode: 0o755,
    xattrs: new Map([["security.capability", "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"]]),
  });
  file("/etc/name-\xff\xfe", Buffer.from("bytes"), { mode: 0o600, uid: 1000, gid: 1000 });
  file(`/etc/${"long-".repeat(30)}`, Buffer.alloc(0));
  nodes.set("/etc/link", { ...OWNER, mode: 0o777, kind: "symlink", target: "/nowhere/\xff" });
  folder("/srv/empty");
  nodes.set("/tmp", { ...OWNER, kind: "directory", mode: 0o1777 });
  file("/usr/lib/sysimage/dpkg/status", Buffer.from(`Package: p3\nVersion: ${version}\n`.repeat(10)));
  const tree: Tree = { mtime: epoch, nodes };
  return {
    image: imageOf(tree, store),
    tree,
    system: store.add(Buffer.from(canonicalJson({ name: "web" }))),
    lock: store.add(Buffer.from("{}")),
    store,
  };
}

function imageOf(tree: Tree, store: Store): Image {
  const linux = store.add(tinyKernel(noise(5, 70_000)));
  return {
    version: 1,
    name: "web",
    digest: sealTree(tree, store),
    kernel: { version: KERNEL, linux, initrd: store.add(noise(6, 30_000)), arguments: ["quiet"] },
    boot: { timeout: 3, tries: 3 },
    config: "c".repeat(64),
    lock: "d".repeat(64),
    epoch: tree.mtime,
  };
}

export interface ExportedFixture extends ExportedImage {
  readonly release: Awaited<ReturnType<typeof exportRelease>>;
  readonly trust: Descriptor;
}

export function exportFixture(
  layout: string,
  parts: ImageParts,
  { keys, sequence = 1, barrier = false }: { keys: KeyRing; sequence?: number; barrier?: boolean },
): Promise<ExportedFixture> {
  return silentReporter.step("export", async (step) => {
    const exported = await exportImage(layout, "latest", parts, step);
    const release = await exportRelease(layout, exported, { ...parts, sequence }, silentReporter);
    const add = { ...release, channel: "stable", barrier };
    const before = await targetsOfLayout(layout);
    const trust = exportTrust(layout, placeFiles({ signing: keys, before, where: layout, add, now: Date.now() }));
    return { ...exported, release, trust };
  });
}
