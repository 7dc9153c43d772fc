/** From what a person wrote to a System: every default filled in, lists without meaningful order sorted. */
import { canonicalJson } from "#formats/canonical-json.ts";
import { healthOf } from "./health.ts";
import type { Operators } from "./health.ts";
import type { FileInput, NetworkInterfaceInput, SystemInput, UserInput } from "./input.ts";
import { withoutShorthands } from "./shorthand.ts";
import type { FileSpec, LayerSource, System, UserSpec } from "./system.ts";
import { updatesOf } from "./updates.ts";

/** A written config with its short forms expanded. `files` come from `sources.ts`, which read the local ones. */
export interface LongSystem extends Omit<SystemInput, Shortened> {
  readonly distribution?: Exclude<SystemInput["distribution"], string>;
  readonly keyboard?: Exclude<SystemInput["keyboard"], string>;
  readonly files?: Readonly<Record<string, FileInput>>;
  readonly directories?: Readonly<Record<string, Omit<FileInput, "text" | "source">>>;
  readonly units?: Readonly<Record<string, { readonly text: string; readonly enable?: boolean }>>;
  readonly ssh?: Exclude<SystemInput["ssh"], boolean>;
  readonly sysctl?: Readonly<Record<string, string>>;
}

type Shortened = "distribution" | "keyboard" | "files" | "directories" | "units" | "ssh" | "sysctl";

/** Writes short forms out. The input has passed the schema. */
export function writeOut(system: SystemInput): LongSystem {
  return withoutShorthands(system as unknown as Record<string, unknown>) as unknown as LongSystem;
}

/**
 * The System that a valid config stands for. Its keys are sorted, so that iterating it gives one order everywhere.
 * @param files the config's files, local sources replaced by their digests
 * @param layers the config's package files and folders, likewise
 * @param root text of the file that `updates.root` names
 */
export function complete(
  input: LongSystem,
  files: Readonly<Record<string, FileSpec>>,
  layers: Omit<System["layers"], "packages"> = { debs: [], folders: [] },
  root?: string,
): System {
  const ssh = sshOf(input);
  const system: Omit<System, "packages"> = {
    schema: 1,
    name: input.name,
    distribution: {
      name: "debian",
      suite: input.distribution?.suite ?? "trixie",
      architecture: input.distribution?.architecture ?? "amd64",
      components: sortedSet(input.distribution?.components ?? ["main"]),
    },
    recommends: input.recommends ?? false,
    kernel: {
      package: input.kernel?.package ?? `linux-image-${input.distribution?.architecture ?? "amd64"}`,
      arguments: input.kernel?.arguments ?? ["quiet"],
      initrdModules: sortedSet(input.kernel?.initrdModules ?? []),
    },
    hostname: input.hostname ?? input.name,
    locale: input.locale ?? "C.UTF-8",
    timezone: input.timezone ?? "UTC",
    keyboard: { layout: input.keyboard?.layout ?? "us", variant: input.keyboard?.variant ?? "", options: input.keyboard?.options ?? "" },
    users: mapRecord(input.users, userOf),
    groups: mapRecord(input.groups, (_name, group) => ({
      ...(group.gid === undefined ? {} : { gid: group.gid }),
      members: sortedSet(group.members ?? []),
    })),
    files,
    layers: { packages: sortedSet(input.layers?.packages ?? []), debs: bySource(layers.debs), folders: bySource(layers.folders) },
    links: input.links ?? {},
    directories: mapRecord(input.directories, (_path, folder) => ({
      mode: fourDigits(folder.mode ?? "0755"),
      owner: folder.owner ?? "root",
      group: folder.group ?? "root",
    })),
    units: mapRecord(input.units, (_name, unit) => ({ text: unit.text, enable: unit.enable ?? /^\s*\[Install\]/m.test(unit.text) })),
    services: {
      enable: unitNames(input.services?.enable),
      disable: unitNames(input.services?.disable),
      mask: unitNames(input.services?.mask),
    },
    network: { interfaces: mapRecord(input.network?.interfaces ?? { ethernet: { match: "en* eth*" } }, interfaceOf) },
    ssh,
    sysctl: input.sysctl ?? {},
    mounts: mapRecord(input.mounts, (_path, { device, type, options }) => ({ device, type, options: options ?? [] })),
    state: {
      etcMode: input.state?.etcMode ?? "ephemeral",
      etc: sortedSet(["machine-id", ...(ssh.enable ? HOST_KEYS : []), ...(input.state?.etc ?? [])]),
      var: input.state?.var ?? {},
      varMode: input.state?.varMode ?? "persistent",
      wiped: input.state?.wiped ?? 3,
      schemas: schemasOf(input.state?.schemas),
    },
    boot: {
      timeout: input.boot?.timeout ?? 3,
      tries: input.boot?.tries ?? 3,
      deadline: input.boot?.deadline ?? 900,
      failsafe: input.boot?.failsafe ?? "login",
      factoryReset: input.boot?.factoryReset ?? false,
    },
    health: healthOf(input.health, unitNames(input.health?.units), operatorsOf(input, ssh)),
    updates: updatesOf(input.updates, root),
  };
  const packages = sortedSet(input.packages ?? []);
  return JSON.parse(canonicalJson({ ...system, packages })) as System;
}

/** What Debian's openssh-server makes at its first start, and what a client remembers a machine by. */
const HOST_KEYS = ["ecdsa", "ed25519", "rsa"].flatMap((type) => [`ssh/ssh_host_${type}_key`, `ssh/ssh_host_${type}_key.pub`]);

function sshOf(input: LongSystem): System["ssh"] {
  return {
    enable: input.ssh !== undefined && (input.ssh.enable ?? true),
    port: input.ssh?.port ?? 22,
    passwordAuthentication: input.ssh?.passwordAuthentication ?? false,
    permitRootLogin: input.ssh?.permitRootLogin ?? "no",
  };
}

/** Who can log in, as far as the config says. */
function operatorsOf(input: LongSystem, ssh: System["ssh"]): Operators {
  const users = Object.entries(input.users ?? {}).filter(
    ([, user]) => (ssh.enable && (user.sshKeys ?? []).length > 0) || user.passwordHash !== undefined,
  );
  return { users: users.map(([name]) => name).sort(), port: ssh.enable ? ssh.port : undefined };
}

function userOf(name: string, user: UserInput): UserSpec {
  // A user without a password could never type one, so `sudo: true` means a right that works.
  const allowed = user.passwordHash === undefined ? "nopassword" : "password";
  return {
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    comment: user.comment ?? "",
    home: user.home ?? (name === "root" ? "/root" : `/home/${name}`),
    shell: user.shell ?? "/bin/bash",
    groups: sortedSet(user.groups ?? []),
    ...(user.passwordHash === undefined ? {} : { passwordHash: user.passwordHash }),
    sshKeys: [...new Set(user.sshKeys ?? [])],
    sudo: typeof user.sudo === "string" ? user.sudo : user.sudo === true ? allowed : "no",
  };
}

function interfaceOf(name: string, net: NetworkInterfaceInput): System["network"]["interfaces"][string] {
  const addresses = net.addresses ?? [];
  const dhcp = typeof net.dhcp === "boolean" ? (net.dhcp ? "yes" : "no") : net.dhcp;
  return {
    match: net.match ?? name,
    dhcp: dhcp ?? (addresses.length > 0 ? "no" : "yes"),
    addresses,
    gateway: typeof net.gateway === "string" ? [net.gateway] : (net.gateway ?? []),
    dns: net.dns ?? [],
    ...(net.metered === undefined ? {} : { metered: net.metered }),
  };
}

function schemasOf(schemas: NonNullable<SystemInput["state"]>["schemas"]): System["state"]["schemas"] {
  return Object.fromEntries(
    Object.entries(schemas ?? {}).map(([name, { paths, version, snapshot }]) => [
      unitName(name),
      { paths: sortedSet(paths), version, snapshot: snapshot ?? true },
    ]),
  );
}

/** "644" and "0644" are one mode. */
export function fourDigits(mode: string): string {
  return mode.padStart(4, "0");
}

/** "nginx" means "nginx.service", as for systemctl. */
function unitNames(names: readonly string[] = []): string[] {
  return sortedSet(names.map(unitName));
}

function unitName(name: string): string {
  return /\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(name) ? name : `${name}.service`;
}

function mapRecord<In, Out>(record: Readonly<Record<string, In>> = {}, convert: (key: string, value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(key, value)]));
}

function bySource(sources: readonly LayerSource[]): LayerSource[] {
  return sources.toSorted((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : 0));
}

/** Each once, by code units: the order in which they are written means nothing. */
function sortedSet<T extends string>(items: readonly T[]): T[] {
  return [...new Set(items)].sort();
}
