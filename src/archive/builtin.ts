/**
 * The one package that Ashlar makes itself. Debian's kernels depend on `initramfs-tools | linux-initramfs-tool`;
 * Ashlar builds its own initrd, so nothing of initramfs-tools may run on a machine. `equivs` for one case.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { writeAr } from "#formats/ar.ts";
import { writeTar } from "#formats/tar/writer.ts";
import type { TarEntry } from "#formats/tar/entry.ts";
import type { LockedPackage } from "#lock/lock.ts";

/** `archive` of packages that no archive has. */
export const BUILTIN = "builtin";

/** Changing a byte changes the lock of every system. */
const CONTROL = `Package: ashlar-initrd
Version: 1
Architecture: all
Maintainer: Ashlar <ashlar@localhost>
Provides: linux-initramfs-tool
Multi-Arch: foreign
Section: kernel
Priority: optional
Description: stands for the initrd that Ashlar builds
 Kernel packages depend on a generator of initrds. Ashlar makes the initrd of a
 machine from its packages when it builds the image; this empty package says so.
`;

export interface BuiltinPackage {
  readonly locked: LockedPackage;
  readonly content: Buffer;
  /** The stanza for a Packages index. */
  readonly stanza: string;
}

/** The package as bytes, the same on every machine. */
export function builtinPackage(): BuiltinPackage {
  const content = writeAr([
    { name: "debian-binary", content: Buffer.from("2.0\n") },
    { name: "control.tar.gz", content: gzip(writeTar([folder("/"), file("/control", CONTROL)])) },
    { name: "data.tar.gz", content: gzip(writeTar([folder("/")])) },
  ]);
  const locked: LockedPackage = {
    name: "ashlar-initrd",
    version: "1",
    architecture: "all",
    path: "ashlar-initrd_1_all.deb",
    archive: BUILTIN,
    size: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
  };
  return { locked, content, stanza: `${CONTROL}Filename: ${locked.path}\nSize: ${locked.size}\nSHA256: ${locked.sha256}\n` };
}

const attributes = { uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>() };
const folder = (path: string): TarEntry => ({ ...attributes, path, mode: 0o755, type: "directory" });
const file = (path: string, text: string): TarEntry => ({ ...attributes, path, mode: 0o644, type: "file", content: Buffer.from(text) });

/** Stored, not deflated: what zlib makes of it may differ between versions of zlib, stored blocks do not. */
const gzip = (content: Buffer): Buffer => gzipSync(content, { level: 0 });
