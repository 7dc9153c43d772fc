/** Small images, made by the stages that make real ones: packages of a few files, and any config on top. */
import { canonicalJson } from "#formats/canonical-json.ts";
import { complete, writeOut } from "#config/complete.ts";
import type { SystemInput } from "#config/input.ts";
import type { System } from "#config/system.ts";
import type { Image } from "#image/image.ts";
import { sealTree } from "#image/seal.ts";
import type { Store } from "#store/store.ts";
import { assemble } from "#tree/assemble.ts";
import { draftOf, finish, putDirectory, putFile, putSymlink } from "#tree/draft.ts";
import type { Tree } from "#tree/tree.ts";
import { tinyKernel } from "./tiny-kernel.ts";

export interface FixturePackage {
  readonly name: string;
  readonly version: string;
  readonly source?: string;
  /** Further fields of the stanza: "Depends: lib (>= 2)". */
  readonly fields?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly postinst?: string;
}

export interface FixtureImage {
  readonly packages: readonly FixturePackage[];
  readonly config: Partial<SystemInput>;
  /** What maintainer scripts made: paths to contents, or to targets that begin with "-> ". */
  readonly made?: Readonly<Record<string, string>>;
  /** Lines that packages' accounts have in passwd and group: "web:x:101:101::/:/bin/false". */
  readonly accounts?: readonly string[];
  readonly kernel?: string;
  readonly epoch?: number;
}

const FILE = { mode: 0o644, uid: 0, gid: 0 } as const;
const DATABASE = "/usr/lib/sysimage/dpkg";

/** Builds an image into a store. */
export function fixtureImage(
  store: Store,
  { packages, config, made = {}, accounts = [], kernel, epoch = 1_700_000_000 }: FixtureImage,
): Image {
  const system = systemOf(config);
  const base = baseTree(store, { packages, made, accounts, epoch });
  const contributions = [
    { kind: "file", path: "/usr/lib/ashlar/system.json", content: `${canonicalJson(system)}\n`, mode: 0o644 },
  ] as const;
  const { tree } = assemble({ base, system, ids: ledgerOf(accounts), sources: new Map(), contributions }, store);
  const digest = sealTree(tree, store);
  const boot = { timeout: 0, tries: 1 };
  const files =
    kernel === undefined
      ? undefined
      : { version: kernel, linux: store.add(tinyKernel(Buffer.from(kernel))), initrd: store.add(Buffer.from(`initrd ${kernel}`)) };
  return {
    version: 1,
    name: system.name,
    digest,
    ...(files === undefined ? {} : { kernel: { ...files, arguments: system.kernel.arguments } }),
    boot: { ...system.boot, ...boot },
    config: "0".repeat(64),
    lock: "0".repeat(64),
    epoch,
  };
}

/** Accounts keep the numbers that they were given. */
function ledgerOf(accounts: readonly string[]) {
  const numbers = Object.fromEntries(accounts.map((line) => line.split(":")).map(([name, , id]) => [name, Number(id)]));
  return { users: numbers, groups: numbers };
}

function systemOf(config: Partial<SystemInput>): System {
  const input = writeOut({ name: "web", ...config });
  const files = Object.entries(input.files ?? {}).map(([path, { text = "", mode = "0644", owner = "root", group = "root" }]) => [
    path,
    { text, mode, owner, group },
  ]);
  return complete(input, Object.fromEntries(files) as System["files"], { debs: [], folders: [] });
}

function baseTree(
  store: Store,
  { packages, made, accounts, epoch }: Required<Pick<FixtureImage, "packages" | "made" | "accounts" | "epoch">>,
): Tree {
  const draft = draftOf({ mtime: epoch, nodes: new Map() }, store);
  const day = Math.floor(epoch / 86400);
  for (const path of ["/", "/var", "/root", "/home", "/srv"]) putDirectory(draft, path, { ...FILE, mode: 0o755 });
  putFile(draft, "/etc/passwd", `root:x:0:0:root:/root:/bin/bash\n${accounts.map((line) => `${line}\n`).join("")}`, FILE);
  putFile(
    draft,
    "/etc/group",
    `root:x:0:\nsudo:x:27:\n${accounts.map((line) => `${line.split(":")[0]}:x:${line.split(":")[3]}:\n`).join("")}`,
    FILE,
  );
  putFile(
    draft,
    "/etc/shadow",
    `root:*:${day}:0:99999:7:::\n${accounts.map((line) => `${line.split(":")[0]}:!:${day}::::::\n`).join("")}`,
    { ...FILE, mode: 0o640 },
  );
  putFile(draft, "/etc/gshadow", `root:*::\nsudo:*::\n${accounts.map((line) => `${line.split(":")[0]}:!::\n`).join("")}`, {
    ...FILE,
    mode: 0o640,
  });
  putFile(draft, "/usr/lib/os-release", "ID=debian\n", FILE);
  const sorted = [...packages].sort((a, b) => (a.name < b.name ? -1 : 1));
  putFile(draft, `${DATABASE}/status`, sorted.map((each) => `${stanza(each)}\n`).join(""), FILE);
  putFile(draft, `${DATABASE}/diversions`, "", FILE);
  putFile(draft, `${DATABASE}/statoverride`, "", FILE);
  for (const { name, version, files = {}, postinst } of sorted) {
    for (const [path, content] of Object.entries(files))
      if (!path.endsWith("/")) putFile(draft, path, content, FILE);
      else putDirectory(draft, path.slice(0, -1), { ...FILE, mode: 0o755 });
    putFile(draft, `${DATABASE}/info/${name}.list`, listOf(files), FILE);
    putFile(draft, `${DATABASE}/info/${name}.md5sums`, `${version}\n`, FILE);
    if (postinst !== undefined) putFile(draft, `${DATABASE}/info/${name}.postinst`, postinst, { ...FILE, mode: 0o755 });
  }
  for (const [path, content] of Object.entries(made))
    if (content.startsWith("-> ")) putSymlink(draft, path, content.slice(3));
    else putFile(draft, path, content, FILE);
  return finish(draft);
}

function stanza({ name, version, source, fields }: FixturePackage): string {
  const lines = [
    `Package: ${name}`,
    "Status: install ok installed",
    "Architecture: amd64",
    ...(source === undefined ? [] : [`Source: ${source}`]),
    `Version: ${version}`,
  ];
  return `${[...lines, ...(fields === undefined ? [] : [fields])].join("\n")}\n`;
}

/** Every folder above a file, too, as dpkg lists them. */
function listOf(files: Readonly<Record<string, string>>): string {
  const paths = new Set(["/."]);
  for (const file of Object.keys(files).map((path) => path.replace(/\/$/, ""))) {
    const parts = file.split("/").slice(1);
    for (let at = 1; at <= parts.length; at++) paths.add(`/${parts.slice(0, at).join("/")}`);
  }
  return [...paths]
    .sort()
    .map((path) => `${path}\n`)
    .join("");
}
