/** A machine in a folder whose images were really built here: its objects are links to those of the build host's store. */
import { existsSync, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { espFiles } from "#boot/esp.ts";
import { firstDeployment, renderDeployment } from "#deployment/deployment.ts";
import { openRoot } from "#compose/root.ts";
import { stage } from "#deployment/stage.ts";
import { objectsOfImage } from "#formats/erofs/reader.ts";
import type { Image } from "#image/image.ts";
import { silentReporter } from "#report/reporter.ts";
import { parseObjectId } from "#store/object.ts";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import { fakeMachine } from "./fake-machine.ts";
import type { FakeMachine } from "./fake-machine.ts";
import { openTestStore } from "./release-fixture.ts";

/** Installs one image as generation 1, then upgrades to the others, each started and found healthy. */
export async function linkedMachine(root: string, host: Store, images: readonly [Image, ...Image[]]): Promise<FakeMachine> {
  const at = (path: string): string => join(root, path);
  for (const folder of ["sysroot/ashlar/deployments", "efi", "proc/self", "run", "usr/lib/ashlar"])
    mkdirSync(at(folder), { recursive: true });
  const store = await openTestStore(at("sysroot/ashlar/store"));
  const machine = fakeMachine(root);
  const [first, ...others] = images;
  link(first, host, store);
  store.addImage(first.digest);
  for (const { path, content } of espFiles({ image: first, ...kernelOf(first, host), systemdBoot: Buffer.from("loader"), generation: 1 })) {
    mkdirSync(dirname(join(at("efi"), path)), { recursive: true });
    writeFileSync(join(at("efi"), path), content);
  }
  writeFileSync(at("sysroot/ashlar/deployments/000001.json"), renderDeployment(firstDeployment(first)));
  machine.boot();
  for (const image of others) {
    const bring = async () => ({ objects: link(image, host, store), bytes: 0, wire: 0 });
    const objects = objectsOf(image, host).map((object) => ({ object, size: 0 }));
    await stage({ image, objects, origin: "disk", now: 0, bring }, { ...machine.open(), store, report: silentReporter });
    machine.boot();
  }
  const { system } = openRoot(images.at(-1) ?? first, store);
  writeFileSync(at("usr/lib/ashlar/system.json"), JSON.stringify(system));
  await store.close();
  return machine;
}

function link(image: Image, host: Store, store: Store): number {
  const missing = [...new Set(objectsOf(image, host))].filter((object) => !existsSync(store.pathOf(object)));
  for (const object of missing) {
    mkdirSync(dirname(store.pathOf(object)), { recursive: true });
    linkSync(host.pathOf(object), store.pathOf(object));
  }
  return missing.length;
}

function objectsOf({ digest, kernel }: Image, host: Store): ObjectId[] {
  const files = kernel === undefined ? [] : [kernel.linux, kernel.initrd];
  return [digest, ...files, ...objectsOfImage(host.read(digest)).flatMap(({ object }) => parseObjectId(object) ?? [])];
}

function kernelOf({ kernel }: Image, host: Store) {
  if (kernel === undefined) throw new Error("an image that starts has a kernel");
  return { linux: host.read(kernel.linux), initrd: host.read(kernel.initrd) };
}
