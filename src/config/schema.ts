/**
 * The schema of what a person writes, in TypeScript, YAML or JSON. It is the source of the JSON Schema and of the guide;
 * `input.ts` says the same in TypeScript with the same texts, and a test holds the two together.
 */
import * as z from "zod";
import {
  accountId,
  accountName,
  hostName,
  integer,
  ipAddress,
  ipPrefix,
  line,
  matching,
  mode,
  owner,
  packageName,
  passwordHash,
  sshKey,
  text,
  timeZone,
  unitName,
  unitReference,
  word,
} from "./fields.ts";
import { health } from "./health-schema.ts";
import { absolutePath, etcPath, imagePath } from "./paths.ts";
import { automatic, channel, neighbours, source } from "./updates-schema.ts";

/** One object of options: unknown names are refused, every option may be left out. */
function options<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape);
}

const distribution = options({
  name: z.literal("debian").optional().describe("The distribution; only Debian so far."),
  suite: matching(/^[a-z][a-z0-9.-]*$/, 'a suite, such as "trixie"')
    .optional()
    .describe("The release of Debian; default `trixie`."),
  architecture: z.enum(["amd64", "arm64"]).optional().describe("The processor family; default `amd64`."),
  components: z
    .array(z.enum(["main", "contrib", "non-free", "non-free-firmware"]))
    .optional()
    .describe("The parts of the archive that packages may come from; default `main`."),
});

const kernel = options({
  package: packageName()
    .optional()
    .describe("The kernel's package; default `linux-image-amd64`. `linux-image-cloud-amd64` is smaller and made for virtual machines."),
  arguments: z.array(word()).optional().describe("Kernel command line, one word each; default `quiet`."),
  initrdModules: z
    .array(matching(/^[A-Za-z0-9_-]+$/, "a kernel module's name"))
    .optional()
    .describe("Kernel modules that are needed to reach the root disk, besides the usual ones."),
});

const keyboard = options({
  layout: matching(/^[A-Za-z0-9_,-]+$/, 'XKB layouts, such as "de" or "us,ru"')
    .optional()
    .describe("XKB layout; default `us`."),
  variant: matching(/^[A-Za-z0-9_,-]*$/, 'XKB variants, such as "nodeadkeys"')
    .optional()
    .describe("XKB variant."),
  options: matching(/^[A-Za-z0-9_:,-]*$/, 'XKB options, such as "ctrl:nocaps"')
    .optional()
    .describe("XKB options, separated by commas."),
});

const user = options({
  uid: accountId().optional().describe("User number; by default the next free one from 1000."),
  comment: matching(/^[^\p{Cc}:]*$/u, "one line without a colon")
    .optional()
    .describe("Full name or purpose."),
  home: absolutePath().optional().describe("Home folder; default `/home/<name>`."),
  shell: absolutePath().optional().describe("Login shell; default `/bin/bash`."),
  groups: z.array(accountName()).optional().describe("Further groups that the user is in."),
  passwordHash: passwordHash()
    .optional()
    .describe("crypt(5) hash of the password, as `openssl passwd -6` prints it; without one the password is locked."),
  sshKeys: z.array(sshKey()).optional().describe("OpenSSH public keys that may log in as this user."),
  sudo: z
    .union([z.boolean(), z.enum(["no", "password", "nopassword"])])
    .optional()
    .describe("Whether the user may become root with sudo; `true` asks for the password when there is one."),
});

const group = options({
  gid: accountId().optional().describe("Group number; by default the next free one from 1000."),
  members: z.array(accountName()).optional().describe("Users in this group."),
});

const file = options({
  text: text().optional().describe("The content."),
  source: z
    .string()
    .min(1)
    .optional()
    .describe("A local file with the content, relative to the config's folder; a folder stands for all files in it."),
  mode: mode().optional().describe("Permission bits; default `0644`."),
  owner: owner().optional().describe("Owner; default `root`."),
  group: owner().optional().describe("Group; default `root`."),
});

const directory = options({
  mode: mode().optional().describe("Permission bits; default `0755`."),
  owner: owner().optional().describe("Owner; default `root`."),
  group: owner().optional().describe("Group; default `root`."),
});

const unit = options({
  text: text().describe("The unit file."),
  enable: z.boolean().optional().describe("Start it with the machine; by default when it has an [Install] section."),
});

const services = options({
  enable: z.array(unitReference()).optional().describe("Units that start with the machine."),
  disable: z.array(unitReference()).optional().describe("Units of packages that do not start by themselves."),
  mask: z.array(unitReference()).optional().describe("Units that cannot be started at all."),
});

const networkInterface = options({
  match: matching(/^[A-Za-z0-9*?_.[\]!: -]+$/, 'names or patterns of interfaces, such as "en* eth*"')
    .optional()
    .describe("Names or patterns of the interfaces it applies to, separated by spaces; default: its own name."),
  dhcp: z
    .union([z.boolean(), z.enum(["no", "yes", "ipv4", "ipv6"])])
    .optional()
    .describe("Whether to ask for addresses; default yes, unless `addresses` are given."),
  addresses: z.array(ipPrefix()).optional().describe("Fixed addresses with their prefix length."),
  gateway: z
    .union([ipAddress(), z.array(ipAddress())])
    .optional()
    .describe("Default gateways."),
  dns: z.array(ipAddress()).optional().describe("Name servers."),
  metered: z
    .boolean()
    .optional()
    .describe(
      "Whether what it carries costs by volume; by default NetworkManager is asked where it runs, and mobile networks (`wwan*`) do.",
    ),
});

const network = options({
  interfaces: z
    .record(matching(/^[a-z0-9][a-z0-9-]*$/, "a name of lower-case letters, digits and -"), networkInterface)
    .optional()
    .describe("Interfaces by a name of your own; by default one, `ethernet`, that matches `en* eth*` and asks for addresses."),
});

const ssh = options({
  enable: z.boolean().optional().describe("Run the server; default true as soon as `ssh` is written."),
  port: integer(1, 65535).optional().describe("TCP port; default 22."),
  passwordAuthentication: z.boolean().optional().describe("Whether passwords are accepted besides keys; default false."),
  permitRootLogin: z.enum(["no", "prohibit-password", "yes"]).optional().describe("Whether root may log in; default `no`."),
});

const mount = options({
  device: word().describe("What is mounted, such as `LABEL=data`, `/dev/vdb` or `tmpfs`."),
  type: matching(/^[A-Za-z0-9._]+$/, 'a file system type, such as "ext4"').describe("File system type."),
  options: z
    .array(matching(/^[!-+\--~]+$/, "one mount option"))
    .optional()
    .describe("Mount options, one each."),
});

const stateSchema = options({
  paths: z.array(absolutePath()).min(1).describe("Folders below /var or /srv that hold the data."),
  version: integer(0, 1_000_000).describe("Raise it when the service changes its data in a way that older versions cannot read."),
  snapshot: z
    .boolean()
    .optional()
    .describe("Copy the data before a first start with a higher version; default true. Without it such an upgrade is one-way."),
});

const state = options({
  etcMode: z
    .enum(["ephemeral", "persistent", "readonly"])
    .optional()
    .describe("What becomes of changes below /etc: gone at the next start (`ephemeral`, the default), kept, or refused."),
  etc: z
    .array(etcPath())
    .optional()
    .describe("Files and folders below /etc that outlive a restart, besides machine-id and the host keys of ssh."),
  var: z
    .record(absolutePath(), z.enum(["state", "cache", "log", "ephemeral"]))
    .optional()
    .describe("Paths below /var to what they are: `state` is kept and backed up, the others are not."),
  varMode: z
    .enum(["persistent", "ephemeral"])
    .optional()
    .describe(
      "What becomes of /var at a start: it stays (`persistent`, the default), or begins anew with only what is `state` or `log` in `state.var`, in `state.schemas` or said to `ashlar state keep`.",
    ),
  wiped: integer(0, 100)
    .optional()
    .describe("With an ephemeral /var: how many earlier trees stay recoverable by `ashlar state recover`; default 3."),
  schemas: z
    .record(unitReference(), stateSchema)
    .optional()
    .describe(
      "Services whose data has a version: before a first start with a higher one the data is copied, so that a rollback can have it back.",
    ),
});

const boot = options({
  timeout: integer(0, 600).optional().describe("Seconds that the boot menu waits; default 3."),
  tries: integer(1, 99)
    .optional()
    .describe("Starts of a new generation that may end without a verdict (power cut, crash) before it counts as bad; default 3."),
  deadline: integer(30, 86_400)
    .optional()
    .describe("Seconds within which a start on trial must have passed its probes, or it counts as hung; default 900."),
  failsafe: z
    .enum(["off", "login", "shell"])
    .optional()
    .describe(
      "The entry `Failsafe` of the boot menu: none, one that asks for a login (the default), or one with a root shell for whoever is at the console.",
    ),
  factoryReset: z
    .boolean()
    .optional()
    .describe("Whether the boot menu can erase the machine's data without a login, for whoever is at the console; default false."),
});

const retention = options({
  count: integer(1, 1000).optional().describe("Newest generations to keep; default 2. Two good ones always stay."),
  days: integer(1, 10_000).optional().describe("Generations that were staged longer ago go, even if `count` would keep them."),
  installed: z
    .boolean()
    .optional()
    .describe("Whether the generation that the machine was installed with stays, for a factory reset; default true."),
});

const layers = options({
  packages: z.array(packageName()).optional().describe("Packages that the base must not move for."),
  debs: z.array(line().min(1)).optional().describe("Package files, by their paths relative to the config."),
  folders: z.array(line().min(1)).optional().describe("Folders laid out as in /, by their paths relative to the config."),
});

const updates = options({
  mirror: matching(/^https?:\/\/[!-~]+\/debian$/, "an http(s) address that ends in /debian")
    .optional()
    .describe("The Debian mirror that the machine itself uses, for `ashlar layer`; default: its apt sources."),
  retention: retention.optional().describe("Which generations stay on the machine besides those that run, start next or are pinned."),
  root: line()
    .min(1)
    .optional()
    .describe(
      "Who may sign releases: the 1.root.json, or a later one, of `ashlar keys init`, by its path relative to the config. It names at least two keys.",
    ),
  source: source
    .optional()
    .describe(
      "Where `ashlar upgrade` looks: addresses or folders of `ashlar publish` and `ashlar push`. All are asked; the first that has the newest release is taken, and the others when it fails.",
    ),
  channel: channel
    .optional()
    .describe("Which releases this machine follows; default `stable`. For a registry, the tag of the address says it."),
  automatic: automatic.optional().describe("What the machine does by itself, and when; nothing, unless this is written."),
  neighbours: neighbours.optional().describe("Objects from and for machines in the same network."),
});

export const systemSchema = options({
  name: matching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "a name of lower-case letters, digits and -, at most 63").describe(
    "Name of the system: in file names, boot entries and, unless `hostname` is given, of the machine.",
  ),
  distribution: z
    .union([z.string().regex(/^[a-z][a-z0-9.-]*$/, { error: 'a suite, such as "trixie"' }), distribution])
    .optional()
    .describe("What the packages come from; a text is the suite."),
  packages: z.array(packageName()).optional().describe("Debian packages, besides what every system and the options below need."),
  layers: layers
    .optional()
    .describe("What is put on top of the finished system, as `ashlar layer add` does it on a machine: the image is the same."),
  recommends: z.boolean().optional().describe("Whether packages that others recommend are installed too; default false."),
  kernel: kernel.optional().describe("The kernel and what it is told."),
  hostname: hostName().optional().describe("Name of the machine; default: `name`."),
  locale: matching(/^[A-Za-z]{1,8}(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[a-z]+)?$/, 'a locale, such as "C.UTF-8" or "de_DE.UTF-8"')
    .optional()
    .describe("Language and formats; default `C.UTF-8`."),
  timezone: timeZone().optional().describe("Time zone; default `UTC`."),
  keyboard: z
    .union([z.string().regex(/^[A-Za-z0-9_,-]+$/, { error: 'XKB layouts, such as "de"' }), keyboard])
    .optional()
    .describe("Keyboard; a text is the layout."),
  users: z.record(accountName(), user).optional().describe("Users by name; `root` too can be described."),
  groups: z.record(accountName(), group).optional().describe("Groups by name."),
  files: z
    .record(imagePath(), z.union([text(), file]))
    .optional()
    .describe("Files by absolute path; a text is the content."),
  links: z.record(imagePath(), line().min(1)).optional().describe("Symbolic links by absolute path, to their targets."),
  directories: z
    .record(imagePath(), z.union([mode(), directory]))
    .optional()
    .describe("Folders by absolute path; a text is the mode."),
  units: z
    .record(unitName(), z.union([text(), unit]))
    .optional()
    .describe("systemd units by name; a text is the unit file."),
  services: services.optional().describe("Which units start. A name without a type is a service."),
  network: network.optional().describe("Network, by systemd-networkd."),
  ssh: z.union([z.boolean(), ssh]).optional().describe("The OpenSSH server; `true` runs it, for keys only."),
  sysctl: z
    .record(matching(/^[A-Za-z0-9_.*/-]+$/, 'a kernel parameter, such as "net.ipv4.ip_forward"'), z.union([line(), z.number()]))
    .optional()
    .describe("Kernel parameters by name."),
  mounts: z.record(absolutePath(), mount).optional().describe("Further file systems by the absolute path where they appear."),
  state: state.optional().describe("What outlives a restart."),
  boot: boot.optional().describe("The boot menu and the trial of new generations."),
  health: health.optional().describe("When a new generation counts as working; if it does not, the old one comes back."),
  updates: updates.optional().describe("Where updates come from and who must have signed them."),
});
