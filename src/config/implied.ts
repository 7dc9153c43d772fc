/** Packages that options need: whoever writes `ssh: true` should not have to know a package's name. */
import type { System } from "./system.ts";

type Needs = Omit<System, "packages">;

const IMPLIED: readonly { readonly package: string; readonly why: string; readonly when: (system: Needs) => boolean }[] = [
  { package: "systemd-sysv", why: "the first process of every system", when: () => true },
  { package: "udev", why: "devices", when: () => true },
  { package: "dbus", why: "systemctl and logins as an ordinary user", when: () => true },
  { package: "login", why: "logins at the console", when: () => true },
  { package: "passwd", why: "the account database's tools", when: () => true },
  { package: "openssh-server", why: "ssh", when: (system) => system.ssh.enable },
  { package: "sudo", why: "users.*.sudo", when: (system) => Object.values(system.users).some((user) => user.sudo !== "no") },
  {
    package: "systemd-resolved",
    why: "name servers that come with an address",
    when: (system) => Object.values(system.network.interfaces).some((net) => net.dhcp !== "no"),
  },
  { package: "locales", why: "locale", when: (system) => !["C", "POSIX", "C.UTF-8"].includes(system.locale) },
  { package: "tzdata", why: "timezone", when: (system) => system.timezone !== "UTC" },
];

/** Names of the packages that a system needs besides those that it names, in a fixed order. */
export function impliedPackages(system: Needs): string[] {
  return IMPLIED.filter((each) => each.when(system)).map((each) => each.package);
}
