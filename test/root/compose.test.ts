/**
 * Parts of a really built older image go back on a machine: nginx, its config and a kernel of Debian's archive, each in two
 * versions. What the machine composes is compared with what the build host makes of the composed config and lock.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { openRoot } from "#compose/root.ts";
import type { Root } from "#compose/root.ts";
import { readLock, writeLock } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { buildSystem, lockSystem } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { openStore } from "#store/open.ts";
import type { Store } from "#store/store.ts";
import { openWorkspace } from "#workspace";
import type { Image } from "#image/image.ts";
import { copyExamples } from "../support/build-lab.ts";
import type { FakeMachine } from "../support/fake-machine.ts";
import { linkedMachine } from "../support/linked-machine.ts";
import { ashlar, json } from "../support/machine-lab.ts";
import { catalogOf, withOlder } from "../support/older-packages.ts";

const context = { workspace: openWorkspace(), report: silentReporter };
const NGINX = ["nginx", "nginx-common", "nginx-light"];
const KERNEL = ["linux-image-cloud-amd64"];
const SSL = ["libssl3t64"];

/** What the two ages of the config say of each part. */
const PARTS = {
  nginx: {
    newer: `files: { "/etc/nginx/conf.d/newer.conf": "server_tokens off;" }`,
    older: `files: { "/etc/nginx/conf.d/older.conf": "server_tokens on;" }`,
  },
  kernel: { newer: `kernel: { arguments: ["loglevel=4"] }`, older: `kernel: { arguments: ["loglevel=5"] }` },
  rest: { newer: `files: { "/etc/motd": "Newer." }, sysctl: { "kernel.panic_on_oops": 1 }`, older: `files: { "/etc/motd": "Older." }` },
} as const;
type Age = "newer" | "older";

interface Composed {
  readonly outcome: string;
  readonly digest: string;
  readonly generation: number;
  readonly packages: readonly { readonly name: string; readonly from: string | null; readonly to: string | null }[];
}

let project: string;
let machines: string;
let lock: Lock;
let older: Lock | undefined;
let host: Store;
let images: Readonly<Record<Age, Image>>;
let machine: FakeMachine;

before(async () => {
  const { workspace } = context;
  project = mkdtempSync(join(workspace.root, "compose-"));
  // Beside the store: objects are links to those of the store.
  machines = join(project, "machines");
  copyExamples(project);
  const config = write("newer", { nginx: "newer", kernel: "newer", rest: "newer" });
  await lockSystem({ config }, context);
  const newer = await buildSystem({ config }, context);
  lock = readLock(lockOf(config));
  const catalog = await catalogOf(lock, context);
  older = withOlder(lock, [...NGINX, ...KERNEL, ...SSL], catalog);
  const before = await build("older", { nginx: "older", kernel: "older", rest: "older" }, older ?? lock);
  images = { newer: newer.image, older: before };
  host = await openStore(workspace.store);
  machine = await install("machine");
});

after(async () => {
  await host?.close();
  rmSync(project, { recursive: true, force: true });
});

test("a service goes back: its packages and its config, and nothing else", async (t) => {
  if (single(t)) return;
  const dry = await json<Composed>(machine, "rollback", "--only", "services.nginx", "--dry-run");
  assert.equal(dry.outcome, "dry-run");
  assert.deepEqual(
    dry.packages.map(({ name }) => name),
    NGINX,
  );
  const composed = await json<Composed>(machine, "rollback", "--only", "services.nginx");
  assert.deepEqual([composed.outcome, composed.generation, composed.digest], ["staged", 3, dry.digest]);
  const catalog = await catalogOf(lock, context);
  const built = await build("nginx", { nginx: "older", kernel: "newer", rest: "newer" }, withOlder(lock, NGINX, catalog)!);
  assert.equal(composed.digest, built.digest);
});

test("what was composed starts on trial, says what it was composed of, and is a generation as any other", async (t) => {
  if (single(t)) return;
  assert.equal(machine.boot(), 3);
  const record = JSON.parse(readFileSync(join(machine.root, "sysroot/ashlar/deployments/000003.json"), "utf8")) as Record<string, unknown>;
  assert.deepEqual(record["composedFrom"], { base: images.newer.digest, from: images.older.digest, parts: ["services.nginx"] });
  assert.equal((await ashlar(machine, "fsck")).exitCode, 0);
  // Its own image was never published: what is lost of it is composed again.
  const image = (record["image"] as Image).digest;
  rmSync(join(machine.root, "sysroot/ashlar/store/objects", image.slice(0, 2), image.slice(2)));
  assert.deepEqual((await json<{ healed: string[] }>(machine, "fsck", "--repair")).healed, [image]);
  assert.equal((await json<{ generation: number }>(machine, "rollback")).generation, 2);
  assert.equal(machine.boot(), 2);
  assert.equal((await json<Composed>(machine, "rollback", "--only", "services.nginx")).outcome, "activated");
  await json(machine, "rollback", "2");
});

test("where something comes from is said with package, option and the generation since when it is so", async () => {
  const why = (name: string): Promise<Record<string, unknown>> => json(machine, "why", name);
  const motd = await why("/etc/motd");
  assert.deepEqual([motd["option"], motd["since"]], ["files./etc/motd", 2]);
  const nginx = await why("nginx");
  assert.deepEqual(
    [nginx["path"], (nginx["packages"] as { name: string }[]).map(({ name }) => name), nginx["since"]],
    ["/usr/lib/systemd/system/nginx.service", ["nginx-common"], 1],
  );
  assert.deepEqual([(await why("loglevel=4"))["option"], (await why("/bin/ls"))["path"]], ["kernel.arguments", "/usr/bin/ls"]);
  assert.equal((await why("/etc/ld.so.cache"))["by"], "ldconfig");
  const link = await why("/usr/lib/systemd/system/multi-user.target.wants/nginx.service");
  assert.equal(link["option"], "services.enable");
  assert.equal((await ashlar(machine, "why", "/nothing/here")).exitCode, 1);
});

test("the kernel goes back with modules, initrd and arguments", async (t) => {
  if (single(t)) return;
  const composed = await json<Composed>(machine, "rollback", "--only", "kernel", "--from", "1");
  const catalog = await catalogOf(lock, context);
  const built = await build("kernel", { nginx: "newer", kernel: "older", rest: "newer" }, withOlder(lock, KERNEL, catalog)!);
  assert.equal(composed.digest, built.digest);
  const record = JSON.parse(readFileSync(join(machine.root, `sysroot/ashlar/deployments/00000${composed.generation}.json`), "utf8")) as {
    image: Image;
  };
  assert.equal(record.image.kernel?.version, images.older.kernel?.version);
  assert.equal(record.image.kernel?.initrd, images.older.kernel?.initrd);
  assert.deepEqual(record.image.kernel?.arguments, ["quiet", "console=ttyS0", "loglevel=5"]);
  const entry = readFileSync(join(machine.root, `efi/loader/entries/ashlar-00000${composed.generation}+3.conf`), "utf8");
  assert.match(entry, new RegExp(`composefs=${composed.digest} .* loglevel=5\n`));
});

test("every file of every composed package is what its package brought, as dpkg --verify would find", async (t) => {
  if (single(t)) return;
  const { generation } = await json<Composed>(machine, "rollback", "--only", "kernel,services.nginx,packages.libssl3t64", "--from", "1");
  const path = join(machine.root, `sysroot/ashlar/deployments/${String(generation).padStart(6, "0")}.json`);
  const { image } = JSON.parse(readFileSync(path, "utf8")) as { image: Image };
  const store = await openStore(join(machine.root, "sysroot/ashlar/store"));
  try {
    const [wrong, right] = checkSums(openRoot(image, store));
    assert.deepEqual(wrong, []);
    assert.ok(right > 5000, `${right} files`);
  } finally {
    await store.close();
  }
});

test("the same images and parts give the same digest on another machine", async (t) => {
  if (single(t)) return;
  const other = await install("other");
  const parts = ["--only", "packages.libssl3t64,kernel,sysctl", "--dry-run"];
  assert.equal(
    (await json<Composed>(other, "rollback", ...parts)).digest,
    (await json<Composed>(machine, "rollback", ...parts, "--from", "1")).digest,
  );
});

test("a package that does not fit alone is refused, with the parts that make it fit; they do", async (t) => {
  if (single(t)) return;
  const { exitCode, err } = await ashlar(machine, "rollback", "--only", "packages.nginx", "--from", "1", "--json");
  assert.equal(exitCode, 1);
  const { error } = JSON.parse(err) as { error: { code: string; details: { further: string[] } } };
  assert.equal(error.code, "E_COMPOSE_DEPENDS");
  assert.deepEqual(error.details.further, ["packages.nginx-common", "packages.nginx-light"]);
  await json(machine, "rollback", "--only", ["packages.nginx", ...error.details.further].join(","), "--from", "1", "--dry-run");
});

test("a config that the schema or another option refuses is refused", async () => {
  const { exitCode, err } = await ashlar(machine, "rollback", "--only", "nonsense", "--from", "1", "--json");
  assert.equal(exitCode, 1);
  assert.equal((JSON.parse(err) as { error: { code: string } }).error.code, "E_COMPOSE_PART");
});

/** Files that differ from their package's md5sums, but for those that images change or leave out on purpose, and how many do not. */
function checkSums(root: Root): [wrong: string[], right: number] {
  const wrong: string[] = [];
  let right = 0;
  for (const list of [...root.nodes.keys()].filter((path) => /\/dpkg\/info\/[^/]+\.md5sums$/.test(path)))
    for (const line of (root.text(list) ?? "").split("\n").filter((text) => text !== "")) {
      const path = `/${line.slice(34)}`.replace(/^\/(lib|bin|sbin|lib64)\//, "/usr/$1/");
      if (/^\/(boot|var)\/|^\/usr\/lib\/os-release$/.test(path)) continue;
      const content = root.text(path);
      const sum = content === undefined ? "" : createHash("md5").update(content, "latin1").digest("hex");
      if (sum === line.slice(0, 32)) right++;
      else wrong.push(path);
    }
  return [wrong, right];
}

/** Nothing to see while the archive has one version of each. */
function single(t: TestContext): boolean {
  if (older === undefined) t.skip("the archive has only one version of nginx, of the kernel and of libssl");
  return older === undefined;
}

function write(name: string, ages: Readonly<Record<keyof typeof PARTS, Age>>): string {
  const path = join(project, "web", `${name}.ts`);
  const merged = Object.entries(ages).map(([part, age]) => `{ ${PARTS[part as keyof typeof PARTS][age]} }`);
  writeFileSync(
    path,
    `import { merge } from "ashlar";\nimport web from "./system.ts";\n\nexport default merge(web, ${merged.join(", ")});\n`,
  );
  return path;
}

async function build(name: string, ages: Readonly<Record<keyof typeof PARTS, Age>>, with_: Lock): Promise<Image> {
  const config = write(name, ages);
  writeLock(lockOf(config), { ...with_, ids: lock.ids });
  return (await buildSystem({ config }, context)).image;
}

async function install(name: string): Promise<FakeMachine> {
  const root = join(machines, name);
  mkdirSync(root, { recursive: true });
  return linkedMachine(root, host, [images.older, images.newer]);
}

function lockOf(config: string): string {
  return config.replace(/\.ts$/, ".lock.json");
}
