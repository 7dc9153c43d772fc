/** Kernel parameters: what runs against what the image's sysctl.d says, in the order of systemd-sysctl (sysctl.d(5)). */
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import type { ImageView } from "../image.ts";

/** Lower ones win when two folders have a file of one name. */
const FOLDERS = ["/usr/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/etc/sysctl.d"];

export function inspectSysctls(facts: Facts): Finding[] {
  return [...declaredSysctls(facts.image, facts.sysctlsLike)].flatMap(([name, declared]): Finding[] => {
    const running = facts.sysctl(name);
    if (running === undefined || same(running, declared)) return [];
    return [
      {
        kind: "sysctl",
        name,
        change: "changed",
        what: [`${plain(running)} instead of ${plain(declared)}`],
        declared: plain(declared),
        running: plain(running),
      },
    ];
  });
}

/**
 * Every parameter that the image sets, with dots, to its value.
 * @param like names that a pattern stands for
 */
function declaredSysctls(image: ImageView, like: (pattern: string) => readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of FOLDERS) for (const name of image.names(folder)) if (name.endsWith(".conf")) files.set(name, `${folder}/${name}`);
  const exact = new Map<string, string>();
  const patterns = new Map<string, string>();
  const excluded = new Set<string>();
  for (const [, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const { key, value } of settings(image.text(path) ?? "")) {
      if (value === undefined) excluded.add(key);
      else if (key.includes("*")) patterns.set(key, value);
      else exact.set(key, value);
    }
  }
  const found = new Map<string, string>();
  for (const [pattern, value] of patterns)
    for (const key of like(pattern)) if (!excluded.has(key) && !exact.has(key)) found.set(key, value);
  for (const [key, value] of exact) found.set(key, value);
  return found;
}

function settings(text: string): { key: string; value: string | undefined }[] {
  return text.split("\n").flatMap((raw) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) return [];
    const [, ignores, key = "", value] = /^(-?)\s*([^=\s]+)\s*(?:=\s*(.*))?$/.exec(line) ?? [];
    if (key === "") return [];
    // "-key = value": a failure to set it is none; so a kernel that does not take it is no drift.
    if (value !== undefined && ignores === "-") return [];
    return [{ key: dotted(key), value: value?.trim() }];
  });
}

/** The first separator decides which of "/" and "." separates; the other one is part of a name then. */
function dotted(key: string): string {
  return /^[^./]*\//.test(key) ? key.replaceAll(/[./]/g, (character) => (character === "/" ? "." : "/")) : key;
}

function same(running: string, declared: string): boolean {
  const [one, other] = [plain(running), plain(declared)];
  return one === other || (/^0x[\da-f]+$|^0[0-7]+$|^\d+$/i.test(other) && Number(one) === numberOf(other));
}

function numberOf(text: string): number {
  return /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
}

function plain(value: string): string {
  return value.trim().replaceAll(/\s+/g, " ");
}
