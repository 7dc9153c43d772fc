/** A machine out of a container image that podman made from a Containerfile, of real Debian packages. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fetchPackages } from "#archive/download.ts";
import { readLock } from "#lock/file.ts";
import { dumpImage, importOci } from "#pipeline";
import { lockPathOf } from "../../src/pipeline/lock-path.ts";
import { epochOf } from "../../src/pipeline/keys.ts";
import { silentReporter } from "#report/reporter.ts";
import { openStore } from "#store/open.ts";
import { listRefs } from "#store/refs.ts";
import { openToolchain } from "#toolchain/open.ts";
import { installPackages } from "#tree/install/install.ts";
import type { Context } from "#pipeline";
import { openBuildLab, workspaceIn } from "../support/build-lab.ts";
import type { BuildLab } from "../support/build-lab.ts";
import { ociTools } from "../support/oci-tools.ts";
import { podmanBuild } from "../support/podman.ts";

const CONTAINERFILE = `FROM scratch
COPY root /
RUN useradd --system --home-dir /var/lib/app app && mkdir /var/lib/app && chown app /var/lib/app && echo first > /etc/app.conf
RUN printf '[Service]\\nUser=app\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/app.service \\
 && systemctl enable app.service && rm -rf /usr/share/doc && echo second > /etc/app.conf && ln /etc/app.conf /etc/app-again.conf
RUN cp /usr/bin/true /usr/local/bin/helper && chmod 4755 /usr/local/bin/helper
`;

const place = mkdtempSync("/dev/shm/ashlar-foreign-");
const at = (name: string): string => join(place, name);
let lab: BuildLab;
let context: Context;

before(async () => {
  lab = await openBuildLab();
  context = { workspace: workspaceIn(at("workspace")), report: silentReporter };
  mkdirSync(at("context/root"), { recursive: true });
  await installDebian(at("context/root"));
  writeFileSync(at("context/Containerfile"), CONTAINERFILE);
  await podmanBuild(await ociTools(), { folder: at("podman"), shared: at("context") });
});
after(() => {
  lab[Symbol.dispose]();
  rmSync(place, { recursive: true, force: true });
});

/** What debootstrap would make: the packages that the config needs, configured, and nothing of Ashlar. */
async function installDebian(root: string): Promise<void> {
  const lock = readLock(lockPathOf(lab.config));
  const toolchain = await openToolchain("build", { ...context, packages: lock.tools.packages });
  const archives = await fetchPackages(lock.packages, context);
  const request = { root, packages: lock.packages, archives, toolchain, architecture: "amd64", epoch: epochOf(lock), locale: "C.UTF-8" };
  const umask = process.umask(0o022);
  await silentReporter.step("install", (step) => installPackages(request, step)).finally(() => process.umask(umask));
}

const importFrom = (from: string, config: string, privileged: readonly string[] = []) =>
  importOci({ from, foreign: async () => ({ config, locked: false, privileged }) }, context);

const HELPER = ["/usr/local/bin/helper"];

void test("its files become a machine: kernel, initrd and Ashlar's own, with the services and accounts of the image", async () => {
  const { image, foreign } = await importFrom(at("context/image.oci"), lab.config, HELPER);
  assert.equal(foreign, true);
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
  const [layout, archive] = [at("context/image.oci"), `docker-archive:${at("context/image.tar")}`];
  const first = await importFrom(layout, lab.config, HELPER);
  assert.equal((await importFrom(archive, lab.config, HELPER)).image.digest, first.image.digest);
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
  await assert.rejects(importFrom(at("context/image.oci"), wants, HELPER), {
    code: "E_IMPORT_PACKAGES",
    message: /lacks 1 package that this machine needs: nginx-light/,
    hint: /RUN apt-get update && apt-get install -y --no-install-recommends nginx-light/,
  });
  await assert.rejects(importFrom(at("context/image.oci"), lab.config), {
    code: "E_IMPORT_PRIVILEGED",
    message: /\/usr\/local\/bin\/helper/,
    hint: /--privileged \/usr\/local\/bin\/helper/,
  });
  assert.equal(await known(), before);
});
