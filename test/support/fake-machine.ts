/** A machine in a folder: real store, real records, real boot entries; only nobody boots it. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLoader } from "../../src/agent/loader.ts";
import { espFiles } from "../../src/boot/esp.ts";
import { firstDeployment, renderDeployment } from "../../src/deployment/deployment.ts";
import { openMachine } from "../../src/deployment/machine.ts";
import type { Machine } from "../../src/deployment/machine.ts";
import type { Loader } from "../../src/deployment/loader.ts";
import { fetchObjects } from "../../src/registry/fetch-objects.ts";
import { fetchRelease } from "../../src/registry/fetch.ts";
import { openSource } from "../../src/registry/source.ts";
import { silentReporter } from "../../src/report/reporter.ts";
import { trustIn } from "./keys.ts";
import { openTestStore } from "./release-fixture.ts";

export interface FakeMachine {
  readonly root: string;
  /** As a freshly started process would see it. */
  open(): { readonly machine: Machine; readonly loader: Loader };
  /**
   * Starts the entry that systemd-boot would choose, counting down as it does, and blesses it when `healthy`.
   * @returns the generation that runs now
   */
  boot(healthy?: boolean): number;
}

/**
 * What `ashlar disk` would have written, from the newest release of a folder.
 * @param trust text of the root that its image begins with
 */
export async function installMachine(root: string, releases: string, trust: string, name = "web"): Promise<FakeMachine> {
  const at = (path: string): string => join(root, path);
  for (const folder of ["sysroot/ashlar/deployments", "efi", "proc/self", "run", "usr/lib/ashlar"])
    mkdirSync(at(folder), { recursive: true });
  const source = openSource(releases);
  const { release } = await fetchRelease(source, trustIn(trust, { name }));
  const store = await openTestStore(at("sysroot/ashlar/store"));
  await silentReporter.step("install", (step) => fetchObjects(source, release.objects, store, step));
  store.addImage(release.image.digest);
  const { kernel } = release.image;
  if (kernel === undefined) throw new Error("the fixture's images have kernels");
  const files = { linux: store.read(kernel.linux), initrd: store.read(kernel.initrd) };
  await store.close();
  for (const { path, content } of espFiles({ image: release.image, ...files, systemdBoot: Buffer.from("loader"), generation: 1 })) {
    mkdirSync(join(at("efi"), path, ".."), { recursive: true });
    writeFileSync(join(at("efi"), path), content);
  }
  writeFileSync(at("sysroot/ashlar/deployments/000001.json"), renderDeployment(firstDeployment(release.image)));
  const system = {
    name,
    updates: {
      root: trust,
      source: [releases],
      retention: { count: 2, installed: false },
      neighbours: { ask: [], serve: false, port: 8472, allow: [] },
    },
    health: { units: [], commands: [] },
  };
  writeFileSync(at("usr/lib/ashlar/system.json"), JSON.stringify(system));
  const machine = fakeMachine(root);
  machine.boot();
  return machine;
}

export function fakeMachine(root: string): FakeMachine {
  const open = (): { machine: Machine; loader: Loader } => {
    const machine = openMachine(root);
    return { machine, loader: openLoader(machine.esp) };
  };
  return { root, open, boot: (healthy = true) => boot(root, open().loader, healthy) };
}

function boot(root: string, loader: Loader, healthy: boolean): number {
  const entries = loader.entries();
  const entry = entries.all.find(({ generation }) => generation === entries.next);
  if (entry === undefined) throw new Error("nothing to boot");
  const folder = join(root, "efi/loader/entries");
  const stem = `ashlar-${String(entry.generation).padStart(6, "0")}`;
  const nameOf = (tries: { left: number; done: number } | undefined): string =>
    `${stem}${tries === undefined ? "" : `+${tries.left}${tries.done === 0 ? "" : `-${tries.done}`}`}.conf`;
  if (entry.tries !== undefined) {
    const counted = { left: Math.max(0, entry.tries.left - 1), done: entry.tries.done + 1 };
    renameSync(join(folder, nameOf(entry.tries)), join(folder, nameOf(healthy ? undefined : counted)));
  }
  writeFileSync(join(root, "proc/self/mountinfo"), `22 1 0:20 / / ro,relatime - overlay composefs:${entry.digest} ro,metacopy=on\n`);
  writeFileSync(
    join(root, "proc/cmdline"),
    `composefs=${entry.digest} root=PARTLABEL=ashlar ashlar.generation=${entry.generation} quiet\n`,
  );
  return entry.generation;
}
