/** What the build host promises, on the minimal example with Debian's real packages. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { buildSystem, checkReproducible, checkStore, compareImages, lockSystem } from "#pipeline";
import { compareBytes } from "#formats/bytes.ts";
import { readLock } from "#lock/file.ts";
import type { Lock } from "#lock/lock.ts";
import { openStore } from "#store/open.ts";
import type { Store } from "#store/store.ts";
import { openToolchain } from "#toolchain/open.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import { dumpText } from "#tree/dump.ts";
import { DPKG_DATABASE } from "#tree/normalise/database.ts";
import type { Tree } from "#tree/tree.ts";
import type { Workspace } from "#workspace";
import { readInTree } from "../../src/boot/initrd/tree-reader.ts";
import { baseTree } from "../../src/pipeline/base.ts";
import { compareTrees } from "../../src/pipeline/compare.ts";
import { lockPathOf } from "../../src/pipeline/lock-path.ts";
import { buildProcess, openBuildLab, watched } from "../support/build-lab.ts";
import type { BuildLab, BuildProcess } from "../support/build-lab.ts";
import { indexEntries } from "../support/kmod-index.ts";

let lab: BuildLab;
let workspace: Workspace;
/** The digest of the minimal example. */
let digest: string;
let both: BuildProcess[];

before(async () => {
  lab = await openBuildLab();
  workspace = lab.workspace("cache");
  both = await Promise.all([buildProcess(lab.config, workspace), buildProcess(lab.config, workspace)]);
  for (const { exitCode, stderr } of both) assert.equal(exitCode, 0, stderr);
  digest = both[0]?.stdout.trim() ?? "";
});
after(() => lab[Symbol.dispose]());

void test("two builds at once give one digest, and the packages are installed once", () => {
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(
    both.map(({ stdout }) => stdout),
    [`${digest}\n`, `${digest}\n`],
  );
  const times = (words: string): number => both.filter(({ stderr }) => stderr.includes(words)).length;
  assert.equal(times("configure packages"), 1);
  assert.equal(times("waiting for its result"), 1);
});

void test("nothing changed: nothing is done", async () => {
  const context = watched(workspace);
  const result = await buildSystem({ config: lab.config }, context);
  assert.deepEqual([result.cached, result.image.digest], [true, digest]);
  assert.deepEqual([...context.outcomes], [["evaluate the config", "done"]]);
});

void test("one file changed: no package is touched, the kernel's initrd stays", async () => {
  const config = lab.variant("motd", `{ files: { "/etc/issue.net": "changed\\n" } }`);
  copyFileSync(lockPathOf(lab.config), lockPathOf(config));
  const context = watched(workspace);
  const { image } = await buildSystem({ config, locked: true }, context);
  assert.notEqual(image.digest, digest);
  assert.equal(context.outcomes.get("install packages"), "cached");
  assert.equal(context.outcomes.get("make the initrd"), "cached");
  assert.equal(context.outcomes.has("unpack packages"), false);
  const { files, packages, config: options } = await compareImages({ from: digest, to: image.digest }, context);
  assert.deepEqual(
    files.map(({ path, change, what }) => [path, change, what]),
    [
      ["/etc/issue.net", "changed", ["content"]],
      ["/usr/lib/ashlar/system.json", "changed", ["content"]],
    ],
  );
  assert.deepEqual(options, [{ path: `files["/etc/issue.net"]`, to: { text: "changed\n", mode: "0644", owner: "root", group: "root" } }]);
  assert.deepEqual(Object.values(packages).flat(), []);
});

void test("a lock of another config is refused, with the command that makes the right one", async () => {
  const config = lab.variant("more", `{ packages: ["hello"] }`);
  const lock = lockPathOf(config);
  copyFileSync(lockPathOf(lab.config), lock);
  const before = readFileSync(lock);
  await assert.rejects(buildSystem({ config }, watched(workspace)), {
    code: "E_LOCK_STALE",
    message: new RegExp(`${lock} does not fit ${config}[^]*hello`),
    hint: `ashlar lock ${config}`,
  });
  assert.deepEqual(readFileSync(lock), before);
});

void test("with --locked a missing lock is not made", async () => {
  const config = lab.variant("unlocked", "{}");
  await assert.rejects(buildSystem({ config, locked: true }, watched(workspace)), {
    code: "E_LOCK_MISSING",
    message: `there is no ${lockPathOf(config)}`,
    hint: `ashlar lock ${config}`,
  });
  assert.equal(existsSync(lockPathOf(config)), false);
});

void test("with --locked a lock that lacks numbers is not written", async () => {
  const config = lab.variant("numberless", "{}");
  const lock = lockPathOf(config);
  writeFileSync(lock, JSON.stringify({ ...readLock(lockPathOf(lab.config)), ids: { users: {}, groups: {} } }));
  const before = readFileSync(lock);
  await assert.rejects(buildSystem({ config, locked: true }, watched(workspace)), { code: "E_LOCK_IDS", hint: /commit the lock/ });
  assert.deepEqual(readFileSync(lock), before);
});

void test("what packages bring and take away again leaves no trace, and a number that was given stays given", async () => {
  const config = lab.variant("grown", `{ packages: [] as string[] }`);
  const write = (packages: readonly string[]): void => void lab.variant("grown", `{ packages: ${JSON.stringify(packages)} }`);
  copyFileSync(lockPathOf(lab.config), lockPathOf(config));
  const build = async (packages: readonly string[]): Promise<{ digest: string; ids: ReturnType<typeof readLock>["ids"] }> => {
    write(packages);
    const context = watched(workspace);
    await lockSystem({ config }, context);
    const { image } = await buildSystem({ config }, context);
    return { digest: image.digest, ids: readLock(lockPathOf(config)).ids };
  };
  const never = await build([]);
  const all = await build(["hello", "openssh-client", "sl"]);
  const one = await build(["openssh-client"]);
  const none = await build([]);
  const again = await build(["sl", "openssh-client", "hello"]);
  assert.equal(never.digest, digest);
  assert.equal(none.digest, digest);
  assert.equal(again.digest, all.digest);
  assert.notEqual(one.digest, all.digest);
  assert.equal(never.ids.groups["_ssh"], undefined);
  assert.notEqual(all.ids.groups["_ssh"], undefined);
  for (const { ids } of [one, none, again]) assert.deepEqual(ids, all.ids);
  const comparison = await compareImages({ from: digest, to: all.digest }, watched(workspace));
  assert.deepEqual(
    comparison.packages.added.map(({ name }) => name).filter((name) => ["hello", "openssh-client", "sl"].includes(name)),
    ["hello", "openssh-client", "sl"],
  );
  assert.deepEqual(comparison.packages.removed, []);
  assert.deepEqual(
    comparison.config.map(({ to }) => to),
    ["hello", "openssh-client", "sl"],
  );
  const hello = comparison.files.find(({ path }) => path === "/usr/bin/hello");
  assert.deepEqual([hello?.change, hello?.sizes[0]], ["added", 0]);
  assert.ok((hello?.sizes[1] ?? 0) > 10_000);
  assert.ok(comparison.sizes[1] - comparison.sizes[0] > 50_000);
});

void test("dpkg, one package after the other, makes the tree that the quick way makes", async () => {
  const lock = readLock(lockPathOf(lab.config));
  const store = await openStore(workspace.store);
  try {
    const quick = await baseTree(lock, store, { locale: "C.UTF-8" }, watched(workspace));
    const plain = await baseTree(lock, store, { locale: "C.UTF-8", plain: true, fresh: true }, watched(workspace));
    assert.deepEqual(compareTrees(quick, plain), []);
    assert.equal(dumpText(quick), dumpText(plain));
  } finally {
    await store.close();
  }
});

void test("kernel modules are unpacked, and depmod and dpkg would say of them what the image says", async () => {
  const lock = readLock(lockPathOf(lab.config));
  const store = await openStore(workspace.store);
  try {
    const base = await baseTree(lock, store, { locale: "C.UTF-8" }, watched(workspace));
    const folder = join(lab.folder, "modules");
    const home = writeModules(base, store, folder);
    const toolchain = await openToolchain("build", { ...watched(workspace), packages: lock.tools.packages });
    await runInToolchain(toolchain, "depmod", ["-b", "/target", basename(home)], { binds: [{ from: folder, to: "/target" }] });
    const indexes = readdirSync(join(folder, home)).filter((name) => name.startsWith("modules."));
    assert.ok(indexes.includes("modules.dep.bin") && indexes.includes("modules.symbols.bin"));
    for (const name of indexes) {
      const [ours, theirs] = [readInTree(base, store, `${home}/${name}`) ?? Buffer.alloc(0), readFileSync(join(folder, home, name))];
      // depmod has its nodes in another order, which no reader sees.
      if (name === "modules.dep.bin") assert.deepEqual(indexEntries(ours), indexEntries(theirs));
      else assert.ok(ours.equals(theirs), `${home}/${name}`);
    }
    const sums = (readInTree(base, store, `${DPKG_DATABASE}/info/${kernelPackage(lock)}.md5sums`) ?? Buffer.alloc(0)).toString();
    const modules = [...sums.matchAll(/^([0-9a-f]{32}) {2}(usr\/lib\/modules\/.+\.ko\S*)$/gm)];
    assert.ok(modules.length > 500);
    for (const [, sum = "", path = ""] of modules)
      assert.equal(
        createHash("md5")
          .update(readFileSync(join(folder, path)))
          .digest("hex"),
        sum,
        path,
      );
  } finally {
    await store.close();
  }
});

void test("two builds from nothing, in conditions that differ in everything that may not matter, are the same", async () => {
  const context = watched(workspace);
  const result = await checkReproducible({ config: lab.config }, context);
  assert.deepEqual(
    result.differences.map(({ path, what }) => `${path}: ${what.join()}`),
    [],
  );
  assert.deepEqual(result, { digests: [digest, digest], equal: true, differences: [] });
  assert.equal(context.outcomes.get("configure packages"), "done");
});

void test("after all of this the store is sound and nothing lies around", async () => {
  const { problems, objects } = await checkStore({ repair: false }, watched(workspace));
  assert.deepEqual(problems, []);
  assert.ok(objects > 1000);
  assert.deepEqual(
    readdirSync(workspace.work).filter((name) => !name.endsWith(".lock")),
    [],
  );
  assert.deepEqual(
    readdirSync(workspace.root).filter((name) => name.startsWith("check-")),
    [],
  );
});

/** Puts all of a tree's /usr/lib/modules into `folder`. @returns /usr/lib/modules/VERSION */
function writeModules(tree: Tree, store: Store, folder: string): string {
  let home = "";
  mkdirSync(folder);
  symlinkSync("usr/lib", join(folder, "lib"));
  for (const [path, node] of [...tree.nodes].sort(([a], [b]) => compareBytes(a, b))) {
    if (!path.startsWith("/usr/lib/modules")) continue;
    if (node.kind === "directory") mkdirSync(join(folder, path), { recursive: true });
    else if (node.kind === "file") writeFileSync(join(folder, path), readInTree(tree, store, path) ?? "");
    assert.doesNotMatch(path, /\.ko\..+$/);
    home ||= /^\/usr\/lib\/modules\/[^/]+$/.test(path) ? path : "";
  }
  return home;
}

function kernelPackage({ packages }: Lock): string {
  return packages.find(({ name }) => /^linux-image-\d/.test(name))?.name ?? "";
}
