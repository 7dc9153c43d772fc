/**
 * What a person writes: every option may be left out but the name. Made from `schema.ts` by `node tools/config-docs.ts`.
 */

export interface SystemInput {
  /** Name of the system: in file names, boot entries and, unless `hostname` is given, of the machine. */
  readonly name: string;
  /** What the packages come from; a text is the suite. */
  readonly distribution?: string | DistributionInput | undefined;
  /** Debian packages, besides what every system and the options below need. */
  readonly packages?: readonly string[] | undefined;
  /** What is put on top of the finished system, as `ashlar layer add` does it on a machine: the image is the same. */
  readonly layers?: LayersInput | undefined;
  /** Whether packages that others recommend are installed too; default false. */
  readonly recommends?: boolean | undefined;
  /** The kernel and what it is told. */
  readonly kernel?: KernelInput | undefined;
  /** Name of the machine; default: `name`. */
  readonly hostname?: string | undefined;
  /** Language and formats; default `C.UTF-8`. */
  readonly locale?: string | undefined;
  /** Time zone; default `UTC`. */
  readonly timezone?: string | undefined;
  /** Keyboard; a text is the layout. */
  readonly keyboard?: string | KeyboardInput | undefined;
  /** Users by name; `root` too can be described. */
  readonly users?: Readonly<Record<string, UserInput>> | undefined;
  /** Groups by name. */
  readonly groups?: Readonly<Record<string, GroupInput>> | undefined;
  /** Files by absolute path; a text is the content. */
  readonly files?: Readonly<Record<string, string | FileInput>> | undefined;
  /** Symbolic links by absolute path, to their targets. */
  readonly links?: Readonly<Record<string, string>> | undefined;
  /** Folders by absolute path; a text is the mode. */
  readonly directories?: Readonly<Record<string, string | DirectoryInput>> | undefined;
  /** systemd units by name; a text is the unit file. */
  readonly units?: Readonly<Record<string, string | UnitInput>> | undefined;
  /** Which units start. A name without a type is a service. */
  readonly services?: ServicesInput | undefined;
  /** Network, by systemd-networkd. */
  readonly network?: NetworkInput | undefined;
  /** The OpenSSH server; `true` runs it, for keys only. */
  readonly ssh?: boolean | SshInput | undefined;
  /** Kernel parameters by name. */
  readonly sysctl?: Readonly<Record<string, string | number>> | undefined;
  /** Further file systems by the absolute path where they appear. */
  readonly mounts?: Readonly<Record<string, MountInput>> | undefined;
  /** What outlives a restart. */
  readonly state?: StateInput | undefined;
  /** The boot menu and the trial of new generations. */
  readonly boot?: BootInput | undefined;
  /** When a new generation counts as working; if it does not, the old one comes back. */
  readonly health?: HealthInput | undefined;
  /** Where updates come from and who must have signed them. */
  readonly updates?: UpdatesInput | undefined;
}

export interface DistributionInput {
  /** The distribution; only Debian so far. */
  readonly name?: "debian" | undefined;
  /** The release of Debian; default `trixie`. */
  readonly suite?: string | undefined;
  /** The processor family; default `amd64`. */
  readonly architecture?: "amd64" | "arm64" | undefined;
  /** The parts of the archive that packages may come from; default `main`. */
  readonly components?: readonly ("main" | "contrib" | "non-free" | "non-free-firmware")[] | undefined;
}

export interface LayersInput {
  /** Packages that the base must not move for. */
  readonly packages?: readonly string[] | undefined;
  /** Package files, by their paths relative to the config. */
  readonly debs?: readonly string[] | undefined;
  /** Folders laid out as in /, by their paths relative to the config. */
  readonly folders?: readonly string[] | undefined;
}

export interface KernelInput {
  /** The kernel's package; default `linux-image-amd64`. `linux-image-cloud-amd64` is smaller and made for virtual machines. */
  readonly package?: string | undefined;
  /** Kernel command line, one word each; default `quiet`. */
  readonly arguments?: readonly string[] | undefined;
  /** Kernel modules that are needed to reach the root disk, besides the usual ones. */
  readonly initrdModules?: readonly string[] | undefined;
}

export interface KeyboardInput {
  /** XKB layout; default `us`. */
  readonly layout?: string | undefined;
  /** XKB variant. */
  readonly variant?: string | undefined;
  /** XKB options, separated by commas. */
  readonly options?: string | undefined;
}

export interface UserInput {
  /** User number; by default the next free one from 1000. */
  readonly uid?: number | undefined;
  /** Full name or purpose. */
  readonly comment?: string | undefined;
  /** Home folder; default `/home/<name>`. */
  readonly home?: string | undefined;
  /** Login shell; default `/bin/bash`. */
  readonly shell?: string | undefined;
  /** Further groups that the user is in. */
  readonly groups?: readonly string[] | undefined;
  /** crypt(5) hash of the password, as `openssl passwd -6` prints it; without one the password is locked. */
  readonly passwordHash?: string | undefined;
  /** OpenSSH public keys that may log in as this user. */
  readonly sshKeys?: readonly string[] | undefined;
  /** Whether the user may become root with sudo; `true` asks for the password when there is one. */
  readonly sudo?: boolean | "no" | "password" | "nopassword" | undefined;
}

export interface GroupInput {
  /** Group number; by default the next free one from 1000. */
  readonly gid?: number | undefined;
  /** Users in this group. */
  readonly members?: readonly string[] | undefined;
}

export interface FileInput {
  /** The content. */
  readonly text?: string | undefined;
  /** A local file with the content, relative to the config's folder; a folder stands for all files in it. */
  readonly source?: string | undefined;
  /** Permission bits; default `0644`. */
  readonly mode?: string | undefined;
  /** Owner; default `root`. */
  readonly owner?: string | undefined;
  /** Group; default `root`. */
  readonly group?: string | undefined;
}

export interface DirectoryInput {
  /** Permission bits; default `0755`. */
  readonly mode?: string | undefined;
  /** Owner; default `root`. */
  readonly owner?: string | undefined;
  /** Group; default `root`. */
  readonly group?: string | undefined;
}

export interface UnitInput {
  /** The unit file. */
  readonly text: string;
  /** Start it with the machine; by default when it has an [Install] section. */
  readonly enable?: boolean | undefined;
}

export interface ServicesInput {
  /** Units that start with the machine. */
  readonly enable?: readonly string[] | undefined;
  /** Units of packages that do not start by themselves. */
  readonly disable?: readonly string[] | undefined;
  /** Units that cannot be started at all. */
  readonly mask?: readonly string[] | undefined;
}

export interface NetworkInput {
  /** Interfaces by a name of your own; by default one, `ethernet`, that matches `en* eth*` and asks for addresses. */
  readonly interfaces?: Readonly<Record<string, NetworkInterfaceInput>> | undefined;
}

export interface NetworkInterfaceInput {
  /** Names or patterns of the interfaces it applies to, separated by spaces; default: its own name. */
  readonly match?: string | undefined;
  /** Whether to ask for addresses; default yes, unless `addresses` are given. */
  readonly dhcp?: boolean | "no" | "yes" | "ipv4" | "ipv6" | undefined;
  /** Fixed addresses with their prefix length. */
  readonly addresses?: readonly string[] | undefined;
  /** Default gateways. */
  readonly gateway?: string | readonly string[] | undefined;
  /** Name servers. */
  readonly dns?: readonly string[] | undefined;
  /** Whether what it carries costs by volume; by default NetworkManager is asked where it runs, and mobile networks (`wwan*`) do. */
  readonly metered?: boolean | undefined;
}

export interface SshInput {
  /** Run the server; default true as soon as `ssh` is written. */
  readonly enable?: boolean | undefined;
  /** TCP port; default 22. */
  readonly port?: number | undefined;
  /** Whether passwords are accepted besides keys; default false. */
  readonly passwordAuthentication?: boolean | undefined;
  /** Whether root may log in; default `no`. */
  readonly permitRootLogin?: "no" | "prohibit-password" | "yes" | undefined;
}

export interface MountInput {
  /** What is mounted, such as `LABEL=data`, `/dev/vdb` or `tmpfs`. */
  readonly device: string;
  /** File system type. */
  readonly type: string;
  /** Mount options, one each. */
  readonly options?: readonly string[] | undefined;
}

export interface StateInput {
  /** What becomes of changes below /etc: gone at the next start (`ephemeral`, the default), kept, or refused. */
  readonly etcMode?: "ephemeral" | "persistent" | "readonly" | undefined;
  /** Files and folders below /etc that outlive a restart, besides machine-id and the host keys of ssh. */
  readonly etc?: readonly string[] | undefined;
  /** Paths below /var to what they are: `state` is kept and backed up, the others are not. */
  readonly var?: Readonly<Record<string, "state" | "cache" | "log" | "ephemeral">> | undefined;
  /** What becomes of /var at a start: it stays (`persistent`, the default), or begins anew with only what is `state` or `log` in `state.var`, in `state.schemas` or said to `ashlar state keep`. */
  readonly varMode?: "persistent" | "ephemeral" | undefined;
  /** With an ephemeral /var: how many earlier trees stay recoverable by `ashlar state recover`; default 3. */
  readonly wiped?: number | undefined;
  /** Services whose data has a version: before a first start with a higher one the data is copied, so that a rollback can have it back. */
  readonly schemas?: Readonly<Record<string, StateSchemaInput>> | undefined;
}

export interface StateSchemaInput {
  /** Folders below /var or /srv that hold the data. */
  readonly paths: readonly string[];
  /** Raise it when the service changes its data in a way that older versions cannot read. */
  readonly version: number;
  /** Copy the data before a first start with a higher version; default true. Without it such an upgrade is one-way. */
  readonly snapshot?: boolean | undefined;
}

export interface BootInput {
  /** Seconds that the boot menu waits; default 3. */
  readonly timeout?: number | undefined;
  /** Starts of a new generation that may end without a verdict (power cut, crash) before it counts as bad; default 3. */
  readonly tries?: number | undefined;
  /** Seconds within which a start on trial must have passed its probes, or it counts as hung; default 900. */
  readonly deadline?: number | undefined;
  /** The entry `Failsafe` of the boot menu: none, one that asks for a login (the default), or one with a root shell for whoever is at the console. */
  readonly failsafe?: "off" | "login" | "shell" | undefined;
  /** Whether the boot menu can erase the machine's data without a login, for whoever is at the console; default false. */
  readonly factoryReset?: boolean | undefined;
}

export interface HealthInput {
  /** Units that must be active. */
  readonly units?: readonly string[] | undefined;
  /** Seconds that units may take to become active; default 300. */
  readonly unitDeadline?: number | undefined;
  /** Commands that must end with exit code 0. */
  readonly commands?: readonly HealthCommandInput[] | undefined;
  /** Ports that must accept connections. */
  readonly tcp?: readonly HealthTcpInput[] | undefined;
  /** Pages that must answer. */
  readonly http?: readonly HealthHttpInput[] | undefined;
  /** File systems that must have space. */
  readonly space?: readonly HealthSpaceInput[] | undefined;
  /** Whether an operator must be able to log in: sshd answers with its host key, and PAM lets one of `users` with a key or a password in. */
  readonly login?: boolean | undefined;
}

export interface HealthCommandInput {
  /** Name in reports. */
  readonly name: string;
  /** Program (absolute path) and its arguments; no shell. */
  readonly command: readonly string[];
  /** Seconds after which an attempt has failed; default 60. */
  readonly deadline?: number | undefined;
  /** Further attempts after a failed one; default 0. */
  readonly retries?: number | undefined;
  /** Seconds between two attempts; default 2. */
  readonly interval?: number | undefined;
}

export interface HealthTcpInput {
  /** Name in reports; default: what is looked at. */
  readonly name?: string | undefined;
  /** Port that must accept a connection. */
  readonly port: number;
  /** Address; default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Seconds after which an attempt has failed; default 10. */
  readonly deadline?: number | undefined;
  /** Further attempts after a failed one; default 5. */
  readonly retries?: number | undefined;
  /** Seconds between two attempts; default 2. */
  readonly interval?: number | undefined;
}

export interface HealthHttpInput {
  /** Name in reports; default: what is looked at. */
  readonly name?: string | undefined;
  /** Page that must answer. Certificates of https are not checked; redirects are not followed. */
  readonly url: string;
  /** Status that it must answer with; default 200. */
  readonly status?: number | undefined;
  /** Seconds after which an attempt has failed; default 10. */
  readonly deadline?: number | undefined;
  /** Further attempts after a failed one; default 5. */
  readonly retries?: number | undefined;
  /** Seconds between two attempts; default 2. */
  readonly interval?: number | undefined;
}

export interface HealthSpaceInput {
  /** Name in reports; default: what is looked at. */
  readonly name?: string | undefined;
  /** A path of the file system. */
  readonly path: string;
  /** What must be free: bytes, or a part of its size. */
  readonly free: number | string;
}

export interface UpdatesInput {
  /** The Debian mirror that the machine itself uses, for `ashlar layer`; default: its apt sources. */
  readonly mirror?: string | undefined;
  /** Which generations stay on the machine besides those that run, start next or are pinned. */
  readonly retention?: RetentionInput | undefined;
  /** Who may sign releases: the 1.root.json, or a later one, of `ashlar keys init`, by its path relative to the config. It names at least two keys. */
  readonly root?: string | undefined;
  /** Where `ashlar upgrade` looks: addresses or folders of `ashlar publish` and `ashlar push`. All are asked; the first that has the newest release is taken, and the others when it fails. */
  readonly source?: string | readonly string[] | undefined;
  /** Which releases this machine follows; default `stable`. For a registry, the tag of the address says it. */
  readonly channel?: string | undefined;
  /** What the machine does by itself, and when; nothing, unless this is written. */
  readonly automatic?: AutomaticInput | undefined;
  /** Objects from and for machines in the same network. */
  readonly neighbours?: NeighboursInput | undefined;
}

export interface RetentionInput {
  /** Newest generations to keep; default 2. Two good ones always stay. */
  readonly count?: number | undefined;
  /** Generations that were staged longer ago go, even if `count` would keep them. */
  readonly days?: number | undefined;
  /** Whether the generation that the machine was installed with stays, for a factory reset; default true. */
  readonly installed?: boolean | undefined;
}

export interface AutomaticInput {
  /** How far it goes: only look; fetch, too; make it what starts next; also run it, in a window, with the least interruption. Default `stage`. */
  readonly mode?: "check" | "download" | "stage" | "apply" | undefined;
  /** Hours from one look to the next; default 6. */
  readonly hours?: number | undefined;
  /** Minutes over which machines spread themselves, each always at the same place, by its machine id; default 60. */
  readonly jitter?: number | undefined;
  /** When it may be run, in local time, such as `"02:00-04:00"` or `"Sat,Sun 22:00-06:00"`; only `apply` needs one. */
  readonly window?: readonly string[] | undefined;
  /** Whether it goes on over a connection that costs by volume; default false. */
  readonly metered?: boolean | undefined;
}

export interface NeighboursInput {
  /** Machines nearby that are asked for what is missing before the source is; what they send is believed by its digest only. */
  readonly ask?: readonly string[] | undefined;
  /** Whether this machine gives its own objects to others; default false. */
  readonly serve?: boolean | undefined;
  /** TCP port on which it does; default 8472. */
  readonly port?: number | undefined;
  /** Networks whose machines get something; default the private ones: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7, fe80::/10. */
  readonly allow?: readonly string[] | undefined;
}
