/** What others send and take for the same two trees. A peer whose program is not there is named as absent. */
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";
import { measure } from "../measure.ts";
import type { Measured } from "./table.ts";
import type { PeerInput } from "./trees.ts";

export interface Peer {
  readonly name: string;
  /** Programs in /usr/bin that it needs. */
  readonly needs: readonly string[];
  /** Measures it. @param folder a new one */
  readonly run: (input: PeerInput, folder: string) => Promise<Omit<Measured, "name">>;
}

const shell = (script: string, ...args: readonly string[]): [string, string[]] => ["/bin/sh", ["-ec", script, "sh", ...args]];
const size = (path: string): number => statSync(path).size;

export const PEERS: readonly Peer[] = [
  layer("plain layer pull, tar.gz", ["gzip"], "gzip -c", "gzip -dc"),
  layer("plain layer pull, tar.zst", ["zstd"], "zstd -q -c", "zstd -q -dc"),
  {
    name: "ostree static-delta",
    needs: ["ostree"],
    run: async ({ folders }, folder) => {
      const [server, machine, delta] = [join(folder, "server"), join(folder, "machine"), join(folder, "delta")];
      for (const path of [server, machine]) {
        mkdirSync(path);
        await exec("ostree", ["init", `--repo=${path}`, "--mode=bare-user"]);
      }
      const commit = async (branch: string, tree: string): Promise<string> =>
        (await exec("ostree", ["commit", `--repo=${server}`, `--branch=${branch}`, `--tree=dir=${tree}`])).stdout.toString().trim();
      const [old, next] = [await commit("old", folders[0]), await commit("new", folders[1])];
      await exec("ostree", ["pull-local", `--repo=${machine}`, server, "old"]);
      const options = ["--inline", "--min-fallback-size=0", "--max-bsdiff-size=512", `--filename=${delta}`];
      const make = await measure("ostree", ["static-delta", "generate", `--repo=${server}`, `--from=${old}`, `--to=${next}`, ...options], {
        folder,
      });
      const apply = await measure("ostree", ["static-delta", "apply-offline", `--repo=${machine}`, delta], { folder });
      return { wire: size(delta), make, apply };
    },
  },
  xdelta("xdelta3, stock flags", () => []),
  xdelta("xdelta3, tuned", (old) => ["-9", "-S", "lzma", "-B", String(size(old))]),
  { name: "casync", needs: ["casync", "mkfs.erofs"], run: (input, folder) => chunks("casync", input, folder) },
  { name: "desync", needs: ["desync", "mkfs.erofs"], run: (input, folder) => chunks("desync", input, folder) },
  {
    name: "zstd -19 --patch-from of tars",
    needs: ["zstd", "tar"],
    run: async (input, folder) => {
      const [old, next] = await tars(input, folder);
      const [delta, out] = [join(folder, "delta"), join(folder, "out")];
      const options = ["-q", "-19", "--long=31", `--patch-from=${old}`];
      const make = await measure("zstd", [...options, next, "-o", delta], { folder });
      const apply = await measure("zstd", ["-q", "-d", "--long=31", `--patch-from=${old}`, delta, "-o", out], { folder });
      return { wire: size(delta), make, apply };
    },
  },
];

/** The new tree as one layer: what a registry sends when the layer changed. */
function layer(name: string, needs: readonly string[], pack: string, unpack: string): Peer {
  return {
    name,
    needs: [...needs, "tar"],
    run: async ({ folders }, folder) => {
      const [blob, out] = [join(folder, "layer"), join(folder, "out")];
      mkdirSync(out);
      const make = await measure(...shell(`tar -C "$1" --sort=name -cf - . | ${pack} >"$2"`, folders[1], blob), { folder });
      const apply = await measure(...shell(`${unpack} "$1" | tar -C "$2" -xpf - && sync -f "$2"`, blob, out), { folder });
      return { wire: size(blob), make, apply };
    },
  };
}

function xdelta(name: string, options: (old: string) => readonly string[]): Peer {
  return {
    name,
    needs: ["xdelta3", "mkfs.erofs"],
    run: async (input, folder) => {
      const [old, next] = await images(input, folder);
      const [delta, out] = [join(folder, "delta"), join(folder, "out")];
      const make = await measure("xdelta3", ["-e", ...options(old), "-s", old, next, delta], { folder });
      const window = options(old).includes("-B") ? ["-B", String(size(old))] : [];
      const apply = await measure("xdelta3", ["-d", ...window, "-s", old, delta, out], { folder });
      return { wire: size(delta), make, apply };
    },
  };
}

/** Chunks of the new image that the old one does not have, and the index. */
async function chunks(program: string, input: PeerInput, folder: string): Promise<Omit<Measured, "name">> {
  const [old, next] = await images(input, folder);
  const at = (name: string): string => join(folder, name);
  const store = program === "casync" ? (name: string) => [`--store=${at(name)}`] : (name: string) => ["-s", at(name)];
  for (const name of ["old.castr", "new.castr"]) mkdirSync(at(name));
  await exec(program, ["make", ...store("old.castr"), at("old.caibx"), old]);
  const made = await measure(program, ["make", ...store("new.castr"), at("new.caibx"), next], { folder });
  const had = new Set(readdirSync(at("old.castr"), { recursive: true, encoding: "utf8" }));
  const fresh = readdirSync(at("new.castr"), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".cacnk") && !had.has(name),
  );
  const wire = fresh.reduce((sum, name) => sum + size(join(at("new.castr"), name)), size(at("new.caibx")));
  // desync wants the seed's data beside its index, under its name.
  if (program === "desync") cpSync(old, at("old"));
  const seed = program === "casync" ? [`--seed=${old}`] : ["--seed", at("old.caibx")];
  const apply = await measure(program, ["extract", ...seed, ...store("new.castr"), at("new.caibx"), at("out")], { folder });
  return { wire, make: made, apply };
}

/** Both trees as EROFS images without compression, made once. */
async function images({ name, folders }: PeerInput, folder: string): Promise<[string, string]> {
  return await made(
    folders,
    (tree) => join(folder, `../${name}-${tree}.erofs`),
    async (tree, path) => {
      await exec("mkfs.erofs", ["-T0", "-U00000000-0000-0000-0000-000000000000", path, tree]);
    },
  );
}

async function tars({ name, folders }: PeerInput, folder: string): Promise<[string, string]> {
  return await made(
    folders,
    (tree) => join(folder, `../${name}-${tree}.tar`),
    async (tree, path) => {
      await exec("tar", ["-C", tree, "--sort=name", "-cf", path, "."]);
    },
  );
}

async function made(
  folders: readonly [string, string],
  pathOf: (tree: string) => string,
  make: (tree: string, path: string) => Promise<void>,
): Promise<[string, string]> {
  const paths: [string, string] = [pathOf("old"), pathOf("new")];
  for (const [at, path] of paths.entries()) if (!existsSync(path)) await make(folders[at]!, path);
  return paths;
}
