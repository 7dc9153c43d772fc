/** Before a service starts, the version of its data is compared with the one that its System writes: `ashlar state check UNIT`. */
import type { System } from "#config/system.ts";
import type { RuntimeUnit } from "./unit.ts";

export function schemaUnits({ state }: System): RuntimeUnit[] {
  return Object.entries(state.schemas).map(([service, { paths, version }]) => ({
    name: unitFor(service),
    text: `[Unit]
Description=Ashlar: version of the data of ${service}
Before=${service}
RequiresMountsFor=${paths.map(escapeUnit).join(" ")}
After=systemd-tmpfiles-setup.service

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=/bin/sh /usr/lib/ashlar/schema.sh ${service} ${version}
`,
    scripts: ["schema.sh"],
  }));
}

/** The service needs the comparison: without it, or when it fails, the service does not start. */
export function schemaDropIns({ state }: System): { readonly unit: string; readonly text: string }[] {
  return Object.keys(state.schemas).map((service) => ({
    unit: service,
    text: `[Unit]\nRequires=${unitFor(service)}\nAfter=${unitFor(service)}\n`,
  }));
}

function unitFor(service: string): string {
  return `ashlar-schema-${service}`;
}

/** systemd.unit(5): "%" begins a specifier; blanks separate paths. */
function escapeUnit(path: string): string {
  return path.replaceAll("%", "%%").replaceAll(" ", "\\x20");
}
