/** Files that are read by something else than the program of their package, and what makes it read them again. */
import type { Cost } from "./cost.ts";

/** What is done in one go for all of a kind, in this order. */
export const ACTIONS = ["daemon-reload", "sysctl", "modules", "tmpfiles", "hostname", "udev", "dbus", "network"] as const;
export type Action = (typeof ACTIONS)[number];

export interface Rule {
  readonly pattern: RegExp;
  readonly cost: Cost;
  readonly action?: Action;
  /** For the plan: why this is what it costs. */
  readonly why: string;
}

const ETC_OR_USR = "^/(?:etc|usr/lib|usr/local/lib)";

/** The first that fits decides. */
export const RULES: readonly Rule[] = [
  {
    pattern: /^\/usr\/lib(?:64)?\/(?:[^/]+\/)?(?:ld-linux[^/]*|libc)\.so\.\d+$/,
    cost: "soft-reboot",
    why: "every program has the C library in its memory",
  },
  {
    pattern: /^\/usr\/(?:bin\/dbus-(?:daemon|broker[^/]*)|lib\/dbus-1\.0\/.*)$/,
    cost: "soft-reboot",
    why: "the message bus cannot be restarted alone",
  },
  {
    pattern: new RegExp(`${ETC_OR_USR}/systemd/(?:system\\.conf|system\\.conf\\.d/.*)$`),
    cost: "soft-reboot",
    why: "systemd reads its own settings when it starts",
  },
  { pattern: /^\/etc\/(?:fstab|crypttab)$/, cost: "soft-reboot", why: "what is mounted is decided at the start" },
  {
    pattern: new RegExp(`${ETC_OR_USR}/systemd/(?:system|system-generators)/`),
    cost: "daemon-reload",
    action: "daemon-reload",
    why: "systemd reads its units again",
  },
  {
    pattern: new RegExp(`${ETC_OR_USR}/sysctl\\.d/|^/etc/sysctl\\.conf$`),
    cost: "none",
    action: "sysctl",
    why: "kernel settings are written again",
  },
  { pattern: new RegExp(`${ETC_OR_USR}/modules-load\\.d/`), cost: "none", action: "modules", why: "modules are loaded" },
  { pattern: new RegExp(`${ETC_OR_USR}/tmpfiles\\.d/`), cost: "none", action: "tmpfiles", why: "declared folders are made" },
  { pattern: /^\/etc\/hostname$/, cost: "none", action: "hostname", why: "the kernel is told the name" },
  { pattern: new RegExp(`${ETC_OR_USR}/udev/`), cost: "none", action: "udev", why: "udev reads its rules again" },
  {
    pattern: new RegExp(`^/etc/dbus-1/|^/usr/share/dbus-1/`),
    cost: "reload",
    action: "dbus",
    why: "the message bus reads its policy again",
  },
  { pattern: new RegExp(`${ETC_OR_USR}/systemd/network/`), cost: "reload", action: "network", why: "networkd reads its files again" },
];

/** Programs of the image that only the next start uses, or that nobody runs: no change of them reaches what runs. */
export const SILENT: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^\/usr\/lib\/(?:sysimage|ashlar)\//, why: "Ashlar's own, read when it is used" },
  { pattern: /^\/usr\/lib\/modules\//, why: "modules of a kernel" },
  { pattern: /^\/usr\/share\/(?:doc|man|info|locale|lintian|bash-completion|common-licenses)\//, why: "read by people" },
];

/** Units that a person, a session or the bus hangs on: they are never restarted, but listed as running old code. */
export const KEPT_UNITS =
  /^(?:user@|user-runtime-dir@|session-|getty@|serial-getty@|console-getty|container-getty@|dbus[.-]|dbus-broker|init\.scope|ashlar-|run-|systemd-(?:fsck|cryptsetup)@)/;
