/**
 * System: the evaluated configuration, every default filled in. Plain JSON, canonical, hashed; made by `complete.ts`.
 */
import type { HealthSpec } from "./health.ts";
import type { UpdatesSpec } from "./updates.ts";

export interface UserSpec {
  readonly uid?: number;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
  readonly groups: readonly string[];
  /** crypt(5) hash; absent = locked password. */
  readonly passwordHash?: string;
  readonly sshKeys: readonly string[];
  readonly sudo: "no" | "password" | "nopassword";
}

export interface FileSpec {
  /** Exactly one of `text` and `source`. `source` is a path relative to the config's folder, with the sha256 it had at evaluation. */
  readonly text?: string;
  readonly source?: string;
  readonly sha256?: string;
  /** "0644" */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

export interface StateSchema {
  readonly paths: readonly string[];
  readonly version: number;
  /** False: too large to copy; raising the version is one-way. */
  readonly snapshot: boolean;
}

export interface LayerSource {
  readonly source: string;
  readonly sha256: string;
}

export interface System {
  readonly schema: 1;
  readonly name: string;
  readonly distribution: {
    readonly name: "debian";
    readonly suite: string;
    readonly architecture: "amd64" | "arm64";
    readonly components: readonly string[];
  };
  readonly packages: readonly string[];
  /** On top of the base; `source` is relative to the config's folder, `sha256` of the file, or of the list of a folder's files. */
  readonly layers: {
    readonly packages: readonly string[];
    readonly debs: readonly LayerSource[];
    readonly folders: readonly LayerSource[];
  };
  readonly recommends: boolean;
  readonly kernel: { readonly package: string; readonly arguments: readonly string[]; readonly initrdModules: readonly string[] };
  readonly hostname: string;
  readonly locale: string;
  readonly timezone: string;
  readonly keyboard: { readonly layout: string; readonly variant: string; readonly options: string };
  readonly users: Readonly<Record<string, UserSpec>>;
  readonly groups: Readonly<Record<string, { readonly gid?: number; readonly members: readonly string[] }>>;
  readonly files: Readonly<Record<string, FileSpec>>;
  readonly links: Readonly<Record<string, string>>;
  readonly directories: Readonly<Record<string, { readonly mode: string; readonly owner: string; readonly group: string }>>;
  /** Unit name to its text. */
  readonly units: Readonly<Record<string, { readonly text: string; readonly enable: boolean }>>;
  readonly services: { readonly enable: readonly string[]; readonly disable: readonly string[]; readonly mask: readonly string[] };
  readonly network: {
    readonly interfaces: Readonly<
      Record<
        string,
        {
          readonly match: string;
          readonly dhcp: "no" | "yes" | "ipv4" | "ipv6";
          readonly addresses: readonly string[];
          readonly gateway: readonly string[];
          readonly dns: readonly string[];
          /** What it carries costs by volume, or does not; absent: the machine finds out. */
          readonly metered?: boolean;
        }
      >
    >;
  };
  readonly ssh: {
    readonly enable: boolean;
    readonly port: number;
    readonly passwordAuthentication: boolean;
    readonly permitRootLogin: "no" | "prohibit-password" | "yes";
  };
  readonly sysctl: Readonly<Record<string, string>>;
  readonly mounts: Readonly<Record<string, { readonly device: string; readonly type: string; readonly options: readonly string[] }>>;
  readonly state: {
    /** ephemeral: tmpfs overlay; persistent: overlay kept in /state; readonly: none. */
    readonly etcMode: "ephemeral" | "persistent" | "readonly";
    /** Files and folders below /etc that outlive a reboot ("machine-id", "ssh/ssh_host_ed25519_key"), relative to /etc. */
    readonly etc: readonly string[];
    /** Paths below /var to their class; what packages bring and nothing names here is classed by the built-in table. */
    readonly var: Readonly<Record<string, "state" | "cache" | "log" | "ephemeral">>;
    /** ephemeral: at each start /var has only what `var`, `schemas` and the machine's own list keep. */
    readonly varMode: "persistent" | "ephemeral";
    /** Trees of an ephemeral /var that stay recoverable. */
    readonly wiped: number;
    /** By unit name: where its data is, and the version that this System's service writes. */
    readonly schemas: Readonly<Record<string, StateSchema>>;
  };
  readonly boot: {
    readonly timeout: number;
    readonly tries: number;
    /** Seconds within which a start on trial must have passed its probes. */
    readonly deadline: number;
    readonly failsafe: "off" | "login" | "shell";
    readonly factoryReset: boolean;
  };
  readonly health: HealthSpec;
  readonly updates: UpdatesSpec;
}
