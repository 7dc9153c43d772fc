/**
 * Units: the config's own, and which ones start. `systemctl enable` needs a running root; what it does for an image is
 * small: read [Install] and make links (systemd.unit(5), "[Install] section options").
 */
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import { children, putFile, putSymlink, readText, removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";

export type UnitErrorCode = "E_TREE_UNKNOWN_UNIT";

const UNITS = "/usr/lib/systemd/system";

/** Writes the config's units and sets what is enabled, disabled and masked. */
export function renderUnits(draft: Draft, system: System, implied: readonly string[]): void {
  for (const [name, unit] of Object.entries(system.units)) putFile(draft, `${UNITS}/${name}`, unit.text, { mode: 0o644, uid: 0, gid: 0 });
  const own = Object.entries(system.units)
    .filter(([, unit]) => unit.enable)
    .map(([name]) => name);
  for (const name of system.services.disable) disable(draft, name);
  for (const name of [...implied, ...own, ...system.services.enable]) enable(draft, unitName(name));
  for (const name of system.services.mask) {
    disable(draft, name);
    putSymlink(draft, `/etc/systemd/system/${unitName(name)}`, "/dev/null");
  }
}

/** "nginx" means "nginx.service". */
function unitName(name: string): string {
  return /\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(name) ? name : `${name}.service`;
}

function enable(draft: Draft, name: string, seen: Set<string> = new Set()): void {
  if (seen.has(name)) return;
  seen.add(name);
  const template = name.replace(/@.+\./, "@.");
  const text =
    readText(draft, `${UNITS}/${name}`) ?? readText(draft, `${UNITS}/${template}`) ?? readText(draft, `/etc/systemd/system/${name}`);
  if (text === undefined) throw unknownUnit(draft, name);
  const install = installSection(text);
  for (const [key, folder] of [
    ["WantedBy", "wants"],
    ["RequiredBy", "requires"],
    ["UpheldBy", "upholds"],
  ] as const) {
    for (const target of install.get(key) ?? []) putSymlink(draft, `${UNITS}/${target}.${folder}/${name}`, `../${template}`);
  }
  for (const alias of install.get("Alias") ?? []) if (alias !== name) putSymlink(draft, `${UNITS}/${alias}`, name);
  for (const also of install.get("Also") ?? []) enable(draft, also, seen);
}

function disable(draft: Draft, name: string): void {
  const unit = unitName(name);
  if (!draft.nodes.has(`${UNITS}/${unit}`) && !draft.nodes.has(`${UNITS}/${unit.replace(/@.+\./, "@.")}`)) throw unknownUnit(draft, unit);
  for (const path of draft.nodes.keys())
    if (path.startsWith(`${UNITS}/`) && /\.(wants|requires|upholds)\//.test(path) && path.endsWith(`/${unit}`)) removePath(draft, path);
}

function installSection(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let inside = false;
  for (const raw of text.replaceAll("\\\n", " ").split("\n")) {
    const line = raw.trim();
    if (line.startsWith("[")) inside = line === "[Install]";
    const [, key, value] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (inside && key !== undefined && value !== undefined)
      found.set(key, [...(found.get(key) ?? []), ...value.split(/\s+/).filter((word) => word !== "")]);
  }
  return found;
}

function unknownUnit(draft: Draft, name: string): AshlarError<UnitErrorCode> {
  const stem = name.replace(/[@.].*$/, "");
  const near = children(draft.nodes, UNITS)
    .map((path) => path.slice(UNITS.length + 1))
    .filter((unit) => unit.includes(stem) && /\.(service|socket|timer|path)$/.test(unit))
    .slice(0, 5);
  return new AshlarError("E_TREE_UNKNOWN_UNIT", `there is no unit ${name} in the image`, {
    hint: near.length > 0 ? `did you mean ${near.join(", ")}?` : "add the package that brings it to packages",
  });
}
