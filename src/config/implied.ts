/**
 * Packages that a person expects without naming them. What Ashlar itself and single options need (systemd, a server for
 * `ssh`, …) is asked for by the lock stage, which knows packages.
 */
import type { System } from "./system.ts";

type Needs = Omit<System, "packages">;

const IMPLIED: readonly { readonly package: string; readonly why: string; readonly when: (system: Needs) => boolean }[] = [
  { package: "login", why: "logins at the console; Debian protects it, but does not call it essential", when: () => true },
  { package: "passwd", why: "the account database's tools", when: () => true },
  {
    package: "systemd-resolved",
    why: "name servers that come with an address have no other reader",
    when: (system) => Object.values(system.network.interfaces).some((net) => net.dhcp !== "no"),
  },
];

/** Names of the packages that a system has besides those that it names, in a fixed order. */
export function impliedPackages(system: Needs): string[] {
  return IMPLIED.filter((each) => each.when(system)).map((each) => each.package);
}
