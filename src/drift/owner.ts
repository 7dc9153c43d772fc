/** Who answers for a finding: the package that brings the file, and the option of the config that decides it. */
import type { System } from "#config/system.ts";
import type { Finding, OwnedFinding } from "./finding.ts";

/**
 * @param packages path to the Debian package that brings it, for the paths of {@link pathsOf}
 */
export function withOwners(findings: readonly Finding[], system: System, packages: ReadonlyMap<string, string>): OwnedFinding[] {
  return findings.map((finding) => {
    const brought = pathsOf(finding).flatMap((path) => packages.get(path) ?? [])[0];
    const option = optionOf(finding, system);
    return { ...finding, ...(brought === undefined ? {} : { package: brought }), ...(option === undefined ? {} : { option }) };
  });
}

/** Paths whose package is that of the finding, the nearest first. */
export function pathsOf({ kind, name, path }: Finding): string[] {
  if (kind === "file" || kind === "usr") return [name];
  if (kind !== "unit") return [];
  const template = name.replace(/@.+\./, "@.");
  return [...new Set([name, template])].map((unit) => `/usr/lib/systemd/system/${unit}`).concat(path === undefined ? [] : [path]);
}

/** Files that Ashlar writes from one option (src/tree/render). */
const RENDERED: readonly (readonly [file: RegExp, option: string])[] = [
  [/^\/etc\/(hostname|hosts)$/, "hostname"],
  [/^\/etc\/(locale\.conf|default\/locale)$/, "locale"],
  [/^\/etc\/(timezone|localtime)$/, "timezone"],
  [/^\/etc\/default\/keyboard$/, "keyboard"],
  [/^\/etc\/fstab$/, "mounts"],
  [/^\/etc\/resolv\.conf$/, "network"],
  [/^\/etc\/ssh\/sshd_config\.d\/10-ashlar\.conf$/, "ssh"],
];

function optionOf(finding: Finding, system: System): string | undefined {
  const { kind, name } = finding;
  switch (kind) {
    case "file":
    case "usr":
      return pathOption(name, system);
    case "unit":
      return unitOption(name, finding.path, system);
    case "user":
      return name in system.users ? `users.${name}` : undefined;
    case "group":
      return name in system.groups ? `groups.${name}` : undefined;
    case "sysctl":
      return name in system.sysctl ? `sysctl.${name}` : undefined;
    case "kernel":
      return system.kernel.arguments.includes(name) ? "kernel.arguments" : undefined;
    case "mount":
      return name in system.mounts ? `mounts.${name}` : undefined;
    case "var":
      return undefined;
    default:
      return kind satisfies never;
  }
}

function pathOption(path: string, system: System): string | undefined {
  for (const option of ["files", "links", "directories"] as const) if (path in system[option]) return `${option}.${path}`;
  const key = /^\/etc\/ssh\/authorized_keys\.d\/(.+)$/.exec(path)?.[1];
  if (key !== undefined && key in system.users) return `users.${key}.sshKeys`;
  const sudo = /^\/etc\/sudoers\.d\/50-ashlar-(.+)$/.exec(path)?.[1];
  if (sudo !== undefined && sudo in system.users) return `users.${sudo}.sudo`;
  return RENDERED.find(([file]) => file.test(path))?.[1];
}

function unitOption(name: string, path: string | undefined, system: System): string | undefined {
  if (path !== undefined && path in system.files) return `files.${path}`;
  if (name in system.units) return `units.${name}`;
  const list = (["enable", "disable", "mask"] as const).find((option) => system.services[option].includes(name));
  if (list !== undefined) return `services.${list}`;
  return name === "ssh.service" && system.ssh.enable ? "ssh" : undefined;
}
