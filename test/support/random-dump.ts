/** Random dumps for property tests: everything a composefs image can hold, small enough to make many. */
import * as fc from "fast-check";
import type { DumpEntry, DumpInode } from "#formats/composefs/dump-entry.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, encodeDevice } from "#formats/file-mode.ts";

/** Dumps with up to some hundred entries, parents first. No two runs of the same seed differ. */
export function randomDump(): fc.Arbitrary<DumpEntry[]> {
  return fc
    .record({
      sameTime: fc.boolean(),
      root: metadata(),
      nodes: fc.oneof({ weight: 4, arbitrary: nodes(0, 40) }, { weight: 1, arbitrary: nodes(100, 400) }),
      links: fc.array(fc.record({ name: fileName(), target: fc.nat(), folder: fc.nat() }), { maxLength: 6 }),
    })
    .map(({ sameTime, root, nodes, links }) => {
      const time = sameTime ? { mtime: root.mtime, mtimeNsec: root.mtimeNsec } : {};
      const entries = new Map<string, DumpEntry>();
      const folders = ["/"];
      entries.set("/", inode("/", { ...root, type: S_IFDIR }));
      const add = (name: string, folder: number): string | undefined => {
        const path = folders[folder % folders.length]!.replace(/\/$/, "") + `/${name}`;
        return path.length > 3000 || entries.has(path) ? undefined : path;
      };
      for (const node of nodes) {
        const path = add(node.name, node.folder);
        if (path === undefined) continue;
        entries.set(path, { ...inode(path, node), ...time });
        if (node.type === S_IFDIR) folders.push(path);
      }
      const files = [...entries.values()].filter((entry) => entry.hardlink === undefined && canHaveLinks(entry));
      for (const { name, target, folder } of links) {
        const path = files.length === 0 ? undefined : add(name, folder);
        if (path !== undefined) entries.set(path, { path, hardlink: files[target % files.length]!.path });
      }
      return [...entries.values()];
    });
}

/** Not directories, and not whiteouts: an image does not always tell which name of a whiteout is the first. */
function canHaveLinks({ mode, rdev }: DumpInode): boolean {
  return (mode & S_IFMT) !== S_IFDIR && !((mode & S_IFMT) === S_IFCHR && rdev === 0);
}

type Node = ReturnType<typeof node> extends fc.Arbitrary<infer T> ? T : never;

function nodes(minLength: number, maxLength: number): fc.Arbitrary<Node[]> {
  return fc.array(node(), { minLength, maxLength, size: "max" });
}

function node() {
  return fc
    .record({ metadata: metadata(), name: fileName(), folder: folder(), content: content() })
    .map(({ metadata, name, folder, content }) => ({ ...metadata, name, folder, ...content }));
}

/** Most nodes in one of the first folders, so that some get large. */
function folder(): fc.Arbitrary<number> {
  return fc.oneof(fc.nat(2), fc.nat());
}

function metadata() {
  return fc.record({
    permissions: fc.nat(0o7777),
    nlink: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constantFrom(65535, 65536)),
    uid: id(),
    gid: id(),
    mtime: fc.oneof(fc.constantFrom(0, 1_700_000_000), fc.integer({ min: -5, max: 2 ** 33 })),
    mtimeNsec: fc.constantFrom(0, 0, 0, 999_999_999),
    xattrs: xattrs(),
  });
}

function id(): fc.Arbitrary<number> {
  return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0, 1, 1000) }, fc.constantFrom(65535, 65536, 4294967295));
}

function fileName(): fc.Arbitrary<string> {
  const byte = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(..."ab-.+0 =\\\n".split("")) },
    fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  );
  const short = fc.string({ unit: byte, minLength: 1, maxLength: 8 });
  const long = fc.tuple(short, fc.integer({ min: 20, max: 247 })).map(([start, length]) => start + "n".repeat(length));
  const hidden = fc.constantFrom("00", "aa", "ff", "-");
  return fc
    .oneof({ weight: 8, arbitrary: short }, { weight: 2, arbitrary: long }, { weight: 1, arbitrary: hidden })
    .filter((name) => !name.includes("/") && name !== "." && name !== "..");
}

/**
 * Repeating keys and values, so that some are shared, and sizes that reach block boundaries.
 * Without `trusted.overlay.opaque`: mkcomposefs 1.0.8 miscounts when its own mark replaces it.
 */
function xattrs(): fc.Arbitrary<Map<string, string>> {
  const key = fc.oneof(
    fc.constantFrom(
      "security.capability",
      "security.selinux",
      "user.",
      "user.a",
      "trusted.foo",
      "system.posix_acl_access",
      "system.posix_acl_default",
      "lustre.x",
    ),
    fc.constantFrom(
      "trusted.overlay.metacopy",
      "trusted.overlay.redirect",
      "trusted.overlay.origin",
      "user.overlay.x",
      "trusted.overlay.overlay.y",
    ),
    fc.nat(200).map((number) => `user.n${number}`),
  );
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("", "\0", "a", "system_u:object_r:bin_t:s0\0", "b=c d") },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3000 }).map((length) => "v".repeat(length)) },
  );
  const few = fc.array(fc.tuple(key, value), { maxLength: 4 });
  const many = fc.array(
    fc.tuple(
      fc.nat(180).map((number) => `user.m${number}`),
      fc.constantFrom("", "x"),
    ),
    { minLength: 120, maxLength: 170, size: "max" },
  );
  return fc
    .oneof({ weight: 20, arbitrary: fc.constant([]) }, { weight: 20, arbitrary: few }, { weight: 1, arbitrary: many })
    .map((pairs) => new Map<string, string>(pairs));
}

interface Content {
  readonly type: number;
  readonly size?: number;
  readonly rdev?: number;
  readonly payload?: string;
  readonly content?: Buffer;
  readonly digest?: string;
}

function content(): fc.Arbitrary<Content> {
  const device = fc.tuple(fc.nat(4095), fc.oneof(fc.nat(300), fc.nat(2 ** 20 - 1))).map(([major, minor]) => encodeDevice(major, minor));
  // Above 4096 bytes mkcomposefs can write only one of two blocks; no image of ours holds more than 64 inline.
  const inlineSize = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 64 }) }, fc.integer({ min: 65, max: 4096 }));
  const target = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("a", "-", "../x y", "usr/bin") },
    fc.integer({ min: 1, max: 4095 }).map((length) => "t".repeat(length)),
  );
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant({ type: S_IFDIR }) },
    { weight: 6, arbitrary: externalFile() },
    { weight: 6, arbitrary: inlineSize.map((size) => ({ type: S_IFREG, size, content: Buffer.alloc(size, "-i\xff=") })) },
    { weight: 2, arbitrary: fc.constant({ type: S_IFREG, size: 0 }) },
    { weight: 4, arbitrary: target.map((payload) => ({ type: S_IFLNK, payload })) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(S_IFCHR, S_IFBLK), device).map(([type, rdev]) => ({ type, rdev })) },
    { weight: 1, arbitrary: fc.constant({ type: S_IFCHR, rdev: 0 }) },
    { weight: 1, arbitrary: fc.constantFrom({ type: S_IFIFO }, { type: S_IFSOCK }) },
  );
}

function externalFile(): fc.Arbitrary<Content> {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 100_000 }),
    fc.constantFrom(1, 4095, 4096, 4097, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 42 + 1, 2 ** 43),
  );
  const digest = fc.oneof({ weight: 3, arbitrary: fc.nat(5) }, fc.nat(2 ** 30)).map((seed) => seed.toString(16).padStart(64, "a1"));
  return fc
    .record({ size, digest, has: fc.constantFrom("both", "both", "both", "digest", "payload", "neither") })
    .map(({ size, digest, has }) => ({
      type: S_IFREG,
      size,
      ...(has !== "payload" && has !== "neither" && { digest }),
      ...(has !== "digest" && has !== "neither" && { payload: `${digest.slice(0, 2)}/${digest.slice(2)}` }),
    }));
}

function inode(path: string, node: Content & (typeof metadata extends () => fc.Arbitrary<infer T> ? T : never)): DumpInode {
  return {
    path,
    hardlink: undefined,
    mode: node.type | node.permissions,
    size: node.size ?? 0,
    nlink: node.nlink,
    uid: node.uid,
    gid: node.gid,
    rdev: node.rdev ?? 0,
    mtime: node.mtime,
    mtimeNsec: node.mtimeNsec,
    payload: node.payload,
    content: node.content,
    digest: node.digest,
    xattrs: node.xattrs,
  };
}
