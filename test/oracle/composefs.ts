/**
 * The reference tools as a second opinion: mkcomposefs and fsck.erofs from Debian packages, unpacked into the cache
 * and run with the libraries and the loader of the same packages, so that nothing is installed and any host will do.
 * They come from the mirror that this machine's apt uses.
 */
import { hash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { messageOf } from "#errors";
import { exec } from "#sys/exec.ts";
import type { ExecResult } from "#sys/exec.ts";
import { openWorkspace } from "#workspace";

export interface ComposefsOracle {
  /** The image mkcomposefs makes of a dump. */
  mkcomposefs(dump: string, options?: readonly string[]): Promise<Buffer>;
  /** What `composefs-info dump` says about an image. */
  dump(image: Uint8Array): Promise<string>;
  /** Fails with the tool's words when fsck.erofs finds fault with an image. */
  fsck(image: Uint8Array): Promise<void>;
}

/** Tools from the first release of each that has them; all libraries from the newer one, which runs both. */
const PACKAGES: readonly (readonly [suite: string, names: readonly string[]])[] = [
  [
    "testing",
    ["composefs", "libcomposefs1", "libssl3t64", "libc6", "libzstd1", "zlib1g", "liblz4-1", "libselinux1", "libpcre2-8-0", "libuuid1"],
  ],
  ["bookworm", ["erofs-utils"]],
];

const DOWNLOAD_MS = 60_000;

/** The tools, or a sentence that says why there are none here. */
export async function composefsOracle(): Promise<ComposefsOracle | string> {
  if (process.arch !== "x64") return `the reference tools are fetched for amd64 only, this machine is ${process.arch}`;
  const root = join(openWorkspace().root, "oracle", "composefs");
  if (!existsSync(root)) {
    try {
      await install(root);
    } catch (error) {
      return `the reference tools cannot be fetched: ${messageOf(error)}`;
    }
  }
  return toolsIn(root);
}

function toolsIn(root: string): ComposefsOracle {
  const loader = join(root, "usr/lib64/ld-linux-x86-64.so.2");
  const scratch = join(tmpdir(), `ashlar-oracle-${randomBytes(6).toString("hex")}`);
  const tool = (name: string, ...args: string[]): Promise<ExecResult> =>
    exec(loader, ["--library-path", join(root, "usr/lib/x86_64-linux-gnu"), join(root, "usr/bin", name), ...args], {
      env: { CFS_PARSE_STRICT: "1" },
    });
  const withFile = async <T>(content: string | Uint8Array, use: (path: string) => Promise<T>): Promise<T> => {
    const path = `${scratch}.in`;
    writeFileSync(path, content);
    try {
      return await use(path);
    } finally {
      rmSync(path);
    }
  };
  return {
    mkcomposefs: (dump, options = []) =>
      withFile(dump, async (path) => {
        const out = `${scratch}.out`;
        try {
          await tool("mkcomposefs", ...options, "--from-file", path, out);
          return readFileSync(out);
        } finally {
          rmSync(out, { force: true });
        }
      }),
    dump: (image) => withFile(image, async (path) => (await tool("composefs-info", "dump", path)).stdout.toString("latin1")),
    fsck: (image) => withFile(image, async (path) => void (await tool("fsck.erofs", path))),
  };
}

async function install(root: string): Promise<void> {
  const mirror = debianMirror();
  const aside = `${root}.${randomBytes(6).toString("hex")}`;
  mkdirSync(aside, { recursive: true });
  try {
    for (const [suite, names] of PACKAGES) {
      const index = gunzipSync(await download(`${mirror}/dists/${suite}/main/binary-amd64/Packages.gz`)).toString();
      for (const name of names) {
        const { filename, sha256 } = findPackage(index, name);
        const deb = await download(`${mirror}/${filename}`);
        if (hash("sha256", deb) !== sha256) throw new Error(`${filename} has another SHA-256 than the index says`);
        const path = join(aside, "package.deb");
        writeFileSync(path, deb);
        await exec("dpkg-deb", ["-x", path, aside]);
        rmSync(path);
      }
    }
    renameSync(aside, root);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** The first Debian mirror in apt's sources, one-line or deb822. */
function debianMirror(): string {
  const folder = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])];
  for (const file of files.filter((path) => existsSync(path))) {
    const mirror = /^(?!#).*?(https?:\/\/\S+\/debian)\/?(?=\s|$)/m.exec(readFileSync(file, "utf8"))?.[1];
    if (mirror !== undefined) return mirror;
  }
  throw new Error("apt's sources name no Debian mirror");
}

function findPackage(index: string, name: string): { filename: string; sha256: string } {
  const start = index.startsWith(`Package: ${name}\n`) ? 0 : index.indexOf(`\nPackage: ${name}\n`);
  if (start === -1) throw new Error(`the mirror has no package ${name}`);
  const end = index.indexOf("\n\n", start);
  const stanza = index.slice(start, end === -1 ? undefined : end);
  const filename = /^Filename: (.+)$/m.exec(stanza)?.[1];
  const sha256 = /^SHA256: (.+)$/m.exec(stanza)?.[1];
  if (filename === undefined || sha256 === undefined) throw new Error(`the index lacks the file of ${name}`);
  return { filename, sha256 };
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
  if (!response.ok) throw new Error(`the mirror answers ${response.status} for ${new URL(url).pathname}`);
  return Buffer.from(await response.arrayBuffer());
}
