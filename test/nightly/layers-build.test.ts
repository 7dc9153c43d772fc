/** Layers with Debian's real packages: what a machine derives, in whatever order, and what a build host makes of the same set. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import * as fc from "fast-check";
import { readLock } from "#lock/file.ts";
import { buildSystem, lockSystem } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { readText } from "#tree/draft.ts";
import { openStore } from "#store/open.ts";
import { openWorkspace } from "#workspace";
import { readImage } from "#formats/erofs/reader.ts";
import { parseObjectId } from "#store/object.ts";
import { treeOf } from "#tree/parse.ts";
import { lockPathOf } from "../../src/pipeline/lock-path.ts";
import { ashlar, json } from "../support/machine-lab.ts";
import { openLayerLab } from "../support/layer-lab.ts";
import type { LayerLab } from "../support/layer-lab.ts";

interface Changed {
  readonly digest: string;
  readonly outcome: string;
  readonly quarantined: readonly { readonly layer: string; readonly why: string }[];
}

/** A system user and group, alternatives, diversions, nothing at all, and a folder. */
const PACKAGES = ["uuid-runtime", "ed", "molly-guard", "hello"] as const;
const FILES = { "etc/notes.conf": "of a folder\n", "usr/bin/note": "#!/bin/sh\necho noted\n" };

let lab: LayerLab;
let folder: string;
/** Digest of each set that was derived so far, by its sorted members. */
const seen = new Map<string, string>();

before(async () => {
  lab = await openLayerLab();
  folder = lab.folder("notes", FILES);
  seen.set("", lab.base);
});
after(() => lab[Symbol.dispose]());

const layer = (...args: string[]): Promise<Changed> => json<Changed>(lab.machine, "layer", ...args);
const named = (member: string): string => (member === "notes" ? folder : member);

void test("any order of adding and removing that ends in the same set gives the same image; with nothing it is the base", async (context) => {
  const members = [...PACKAGES, "notes"];
  const orders = fc.tuple(
    fc.shuffledSubarray(members, { minLength: members.length }),
    fc.shuffledSubarray(members, { minLength: members.length }),
  );
  await fc.assert(
    fc.asyncProperty(orders, async ([adding, removing]) => {
      context.diagnostic(`add ${adding.join(", ")}; remove ${removing.join(", ")}`);
      const set = new Set<string>();
      const agree = ({ digest }: Changed): void => {
        const key = [...set].sort().join(" ");
        assert.equal(digest, seen.get(key) ?? digest, `the set ${key} gave another image before`);
        seen.set(key, digest);
      };
      // Two steps up, so that most ways lead through sets that others do not reach.
      for (const part of [adding.slice(0, 2), adding.slice(2)]) {
        for (const member of part) set.add(member);
        agree(await layer("add", ...part.map(named)));
      }
      for (const part of [removing.slice(0, 2), removing.slice(2)]) {
        for (const member of part) set.delete(member);
        agree(await layer("remove", ...part));
      }
    }),
    { numRuns: 2, seed: 4 },
  );
  assert.equal(new Set(seen.values()).size, seen.size, "different sets are different images");
});

void test("the same layers in the config give the image that the machine makes", async () => {
  const { digest } = await layer("add", ...PACKAGES, folder);
  lab.build.place("notes", FILES);
  const config = lab.build.variant("layered", `{ layers: { packages: ${JSON.stringify(PACKAGES)}, folders: ["./notes"] } }`);
  const own = { workspace: openWorkspace(), report: silentReporter };
  // The archives of the base, as a config that only gains layers has them.
  copyFileSync(lockPathOf(lab.build.config), lockPathOf(config));
  await lockSystem({ config }, own);
  const { image } = await buildSystem({ config, locked: true }, own);
  assert.equal(image.digest, digest);
  assert.notEqual(digest, lab.base);
});

void test("a layer brings what an installed package has: its files, users by fixed numbers, units, diversions, state", async () => {
  const { digest } = await layer("add", ...PACKAGES);
  const store = await openStore(join(lab.machine.root, "sysroot/ashlar/store"), { workers: 0 });
  try {
    const image = parseObjectId(digest);
    assert.ok(image !== undefined);
    const { nodes } = treeOf(readImage(store.read(image)));
    const text = (path: string): string => readText({ nodes: new Map(nodes), store }, path) ?? "";
    assert.match(text("/etc/passwd"), /^uuidd:x:654:654:/m);
    assert.match(text("/etc/group"), /^uuidd:x:654:/m);
    assert.match(text("/usr/lib/tmpfiles.d/00-ashlar-layers.conf"), /^d \/var\/lib\/libuuid 2775 uuidd uuidd -$/m);
    assert.match(text("/usr/lib/sysimage/dpkg/diversions"), /^\/usr\/sbin\/reboot\n\/usr\/sbin\/reboot\.no-molly-guard\nmolly-guard$/m);
    assert.match(text("/usr/lib/sysimage/dpkg/status"), /^Package: hello\nStatus: install ok installed$/m);
    assert.equal(nodes.get("/etc/alternatives/editor")?.kind, "symlink");
    assert.equal(nodes.get("/usr/lib/systemd/system/sockets.target.wants/uuidd.socket")?.kind, "symlink");
    assert.equal(text("/usr/bin/note"), FILES["usr/bin/note"]);
    // What the rules take out of every image did not come back.
    assert.deepEqual(
      [...nodes.keys()].filter(
        (path) => /^\/(var|tmp|run)\/.|-old$|\/lock(-frontend)?$|Unincorp$/.test(path) && path.startsWith("/usr/lib/sysimage"),
      ),
      [],
    );
  } finally {
    await store.close();
  }
});

void test("a package that is not there is refused with the nearest names, one that conflicts with apt's reason; the set stays", async () => {
  const before = await json(lab.machine, "layer", "list");
  const unknown = await ashlar(lab.machine, "layer", "add", "helo", "--json");
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.err, /E_LOCK_UNKNOWN_PACKAGE.*there is no package helo; did you mean hello\?/s);
  const conflict = await ashlar(lab.machine, "layer", "add", "exim4-daemon-light", "postfix");
  assert.match(conflict.err, /the layers do not go with the base:[^]*postfix conflicts with mail-transport-agent/);
  const closed = await ashlar(lab.machine, "layer", "add", lab.folder("closed", { "var/lib/x": "data" }));
  assert.match(closed.err, /\/var is not a layer's to change/);
  assert.match((await ashlar(lab.machine, "layer", "remove", "nginx")).err, /nginx is no layer of this machine/);
  assert.deepEqual(await json(lab.machine, "layer", "list"), before);
});

void test("an upgrade keeps the layers; one that the new base cannot have stays out, says why, and comes back by itself", async () => {
  await layer("remove", ...PACKAGES.slice(1), "notes");
  await layer("add", "colorize", "uuid-runtime");
  assert.equal(lab.machine.boot(), (await json<{ next: { generation: number } }>(lab.machine, "status")).next.generation);
  // A package of the new base breaks one of the layers.
  const breaking = lab.build.variant("breaking", `{ packages: ["forensics-colorize"] }`);
  const released = await lab.publish(breaking);
  const upgraded = await json<Changed>(lab.machine, "upgrade");
  assert.deepEqual([upgraded.outcome, upgraded.quarantined.map((each) => each.layer)], ["staged", ["colorize"]]);
  assert.match(upgraded.quarantined[0]?.why ?? "", /forensics-colorize/);
  assert.notEqual(upgraded.digest, released);
  const listed = await ashlar(lab.machine, "layer", "list");
  assert.match(listed.out, /^colorize +package +left out$/m);
  assert.match(listed.out, /^uuid-runtime +package +\S+ +next start$/m);
  assert.match((await ashlar(lab.machine, "status")).out, /problem: layer colorize is left out of the next generation: /);
  assert.equal((await json<Changed>(lab.machine, "upgrade")).outcome, "current");
  lab.machine.boot();
  const fine = lab.build.variant("fine", `{ files: { "/etc/issue.net": "fine\\n" } }`);
  await lab.publish(fine);
  const again = await json<Changed>(lab.machine, "upgrade");
  assert.deepEqual([again.outcome, again.quarantined], ["staged", []]);
  assert.match((await ashlar(lab.machine, "layer", "list")).out, /^colorize +package +\d/m);
});

void test("collecting keeps what deriving again needs, and nothing of it is left when the layers are gone", async () => {
  const deb = join(openWorkspace().packages, `${lockedSha256("hello")}.deb`);
  await layer("remove", "colorize");
  const { digest } = await layer("add", deb, folder);
  assert.equal(lab.machine.boot(), (await json<{ next: { generation: number } }>(lab.machine, "status")).next.generation);
  await json(lab.machine, "collect", "--keep", "1");
  const { base } = await json<{ base: string }>(lab.machine, "layer", "list");
  assert.ok(existsSync(join(lab.machine.root, "sysroot/ashlar/store/objects", base.slice(0, 2), base.slice(2))));
  assert.equal((await layer("add", "ed")).outcome, "staged");
  assert.equal((await layer("remove", "ed")).digest, digest);
  assert.match((await ashlar(lab.machine, "fsck")).out, /The store is sound/);
});

function lockedSha256(name: string): string {
  const { layers } = readLock(join(dirname(lab.build.config), "layered.lock.json"));
  return layers?.packages.find((locked) => locked.name === name)?.sha256 ?? "";
}
