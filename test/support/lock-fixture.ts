/** A small lock and the system that it fits, for tests. */
import type { System } from "#config/system.ts";
import type { Lock, LockedPackage } from "#lock/lock.ts";
import { requestOf } from "#lock/request.ts";

export const SYSTEM: System = {
  schema: 1,
  name: "test",
  distribution: { name: "debian", suite: "trixie", architecture: "amd64", components: ["main"] },
  packages: ["hello"],
  layers: { packages: [], debs: [], folders: [] },
  recommends: false,
  kernel: { package: "linux-image-cloud-amd64", arguments: [], initrdModules: [] },
  hostname: "test",
  locale: "C.UTF-8",
  timezone: "UTC",
  keyboard: { layout: "us", variant: "", options: "" },
  users: {},
  groups: {},
  files: {},
  links: {},
  directories: {},
  units: {},
  services: { enable: [], disable: [], mask: [] },
  network: { interfaces: {} },
  ssh: { enable: false, port: 22, passwordAuthentication: false, permitRootLogin: "no" },
  sysctl: {},
  mounts: {},
  state: { etcMode: "ephemeral", etc: [], var: {}, varMode: "persistent", wiped: 3, schemas: {} },
  boot: { timeout: 3, tries: 3, deadline: 900, failsafe: "login", factoryReset: false },
  health: { units: [], commands: [] },
  updates: {
    source: [],
    retention: { count: 2, installed: true },
    neighbours: { ask: [], serve: false, port: 8472, allow: [] },
  },
};

export function locked(name: string, version: string, content = "0"): LockedPackage {
  const path = `pool/main/${name[0]}/${name}/${name}_${version}_amd64.deb`;
  return { name, version, architecture: "amd64", path, archive: "trixie", size: 100, sha256: content.repeat(64) };
}

export function lockOf(packages: readonly LockedPackage[], system: System = SYSTEM): Lock {
  return {
    version: 1,
    request: requestOf(system),
    archives: [{ root: "debian", suite: "trixie", components: ["main"], date: "2026-11-21T09:15:44.000Z", release: "a".repeat(64) }],
    packages,
    tools: { ashlar: "1", node: "26.10.0", packages: [locked("apt", "3.0.4")] },
    ids: { users: { www: 999 }, groups: { www: 999, adm: 4 } },
  };
}
