/** A machine out of a container image that podman made from a Containerfile, of real Debian packages. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dumpImage, importOci } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { openStore } from "#store/open.ts";
import { listRefs } from "#store/refs.ts";
import type { Context } from "#pipeline";
import { openBuildLab, workspaceIn } from "../support/build-lab.ts";
import type { BuildLab } from "../support/build-lab.ts";
import { HELPER, foreignImage } from "../support/foreign-image.ts";
import type { ForeignImage } from "../support/foreign-image.ts";

const place = mkdtempSync("/dev/shm/ashlar-foreign-");
const at = (name: string): string => join(place, name);
let lab: BuildLab;
let context: Context;
let foreign: ForeignImage;

before(async () => {
  lab = await openBuildLab();
  context = { workspace: workspaceIn(at("workspace")), report: silentReporter };
  foreign = await foreignImage(lab.config, place, context);
});
after(() => {
  lab[Symbol.dispose]();
  rmSync(place, { recursive: true, force: true });
});

const importFrom = (from: string, config: string, privileged: readonly string[] = []) =>
  importOci({ from, foreign: async () => ({ config, locked: false, privileged }) }, context);

void test("its files become a machine: kernel, initrd and Ashlar's own, with the services and accounts of the image", async () => {
  const { image, foreign: isForeign } = await importFrom(foreign.layout, lab.config, [HELPER]);
  assert.equal(isForeign, true);
  assert.equal(image.name, "minimal");
  const store = await openStore(context.workspace.store);
  for (const object of [image.kernel?.linux, image.kernel?.initrd]) assert.ok(object !== undefined && store.has(object));
  await store.close();
  const dump = await dumpImage({ digest: image.digest }, context);
  const paths = new Set(dump.split("\n").map((line) => line.split(" ")[0]));
  for (const path of [
    "/usr/lib/ashlar/agent.js",
    "/usr/lib/systemd/system/multi-user.target.wants/app.service",
    "/etc/app-again.conf",
    "/usr/lib/sysimage/dpkg/status",
  ])
    assert.ok(paths.has(path), path);
  for (const path of ["/usr/share/doc", "/var/lib/app", "/boot/vmlinuz", "/etc/systemd/system/multi-user.target.wants/app.service"])
    assert.ok(!paths.has(path), path);
  assert.match(dump, /^\/etc\/app-again\.conf \d+ 100644 2 0 0 0 \S+ - second\\n -/m);
  assert.match(dump, /^\/etc\/motd .*The\\x20smallest/m);
});

void test("as an archive of `podman save` it is the same image", async () => {
  const first = await importFrom(foreign.layout, lab.config, [HELPER]);
  assert.equal((await importFrom(`docker-archive:${foreign.archive}`, lab.config, [HELPER])).image.digest, first.image.digest);
});

void test("what it lacks to be a machine is named with the line for its Containerfile, and the store has no new image", async () => {
  const known = async (): Promise<number> => {
    const store = await openStore(context.workspace.store);
    const { length } = listRefs(store, "images");
    await store.close();
    return length;
  };
  const before = await known();
  const wants = lab.variant("wants-nginx", `{ packages: ["nginx-light"] }`);
  await assert.rejects(importFrom(foreign.layout, wants, [HELPER]), {
    code: "E_IMPORT_PACKAGES",
    message: /lacks 1 package that this machine needs: nginx-light/,
    hint: /RUN apt-get update && apt-get install -y --no-install-recommends nginx-light/,
  });
  await assert.rejects(importFrom(foreign.layout, lab.config), {
    code: "E_IMPORT_PRIVILEGED",
    message: /\/usr\/local\/bin\/helper/,
    hint: /--privileged \/usr\/local\/bin\/helper/,
  });
  assert.equal(await known(), before);
});
