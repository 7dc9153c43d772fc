/** Folders that units ask systemd for. https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html, "Sandboxing" */
import type { RootReader } from "./root-reader.ts";

export interface UnitDirectory {
  readonly path: string;
  readonly class: "state" | "cache" | "log";
  readonly unit: string;
  /** systemd makes its user for each run, and keeps the folder where no other user gets to it. */
  readonly dynamicUser: boolean;
  /** The unit file that says so. */
  readonly file: string;
}

const KINDS = {
  StateDirectory: { home: "/var/lib", class: "state" },
  CacheDirectory: { home: "/var/cache", class: "cache" },
  LogsDirectory: { home: "/var/log", class: "log" },
} as const;

/** systemd reads the first of these that has a unit. */
const FOLDERS = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"] as const;

export function unitDirectories(root: RootReader): UnitDirectory[] {
  const seen = new Set<string>();
  return FOLDERS.flatMap((folder) =>
    root
      .list(folder)
      .filter((name) => name.endsWith(".service") && !seen.has(name))
      .flatMap((unit) => {
        const text = root.read(`${folder}/${unit}`);
        if (text === undefined) return [];
        seen.add(unit);
        const dropIns = FOLDERS.flatMap((home) => root.list(`${home}/${unit}.d`).map((name) => `${home}/${unit}.d/${name}`));
        const parts = [`${folder}/${unit}`, ...dropIns].map((file) => ({ file, text: root.read(file) ?? "" }));
        const dynamicUser = parts.some(({ text }) => /^\s*DynamicUser\s*=\s*(yes|true|on|1)\s*$/m.test(text));
        return parts.flatMap(({ file, text }) => directoriesIn(text, unit).map((found) => ({ ...found, file, dynamicUser })));
      }),
  );
}

function directoriesIn(text: string, unit: string): Omit<UnitDirectory, "file" | "dynamicUser">[] {
  return [...text.matchAll(/^\s*(StateDirectory|CacheDirectory|LogsDirectory)\s*=\s*(.*)$/gm)].flatMap(([, key, value = ""]) => {
    const kind = KINDS[key as keyof typeof KINDS];
    return value
      .split(/\s+/)
      .map((item) => resolve(item.split(":")[0] ?? "", unit))
      .filter((name) => name !== "" && !name.includes("%"))
      .map((name) => ({ path: `${kind.home}/${name}`, class: kind.class, unit }));
  });
}

/** Specifiers that depend on nothing but the unit's name; instances of templates are not known here. */
function resolve(name: string, unit: string): string {
  const stem = unit.replace(/\.service$/, "");
  return stem.endsWith("@") ? name : name.replace(/%[Np]/g, stem).replaceAll("%n", unit);
}
