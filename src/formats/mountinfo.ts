/**
 * /proc/PID/mountinfo: the mounts that a process sees (`man 5 proc_pid_mountinfo`).
 *
 *   36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 - ext3 /dev/root rw,errors=continue
 *   id parent device root path options [fields] - type source super-options
 */

export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** "major:minor", `st_dev` of its files. */
  readonly device: string;
  /** The folder of the file system that is mounted. */
  readonly root: string;
  readonly path: string;
  readonly type: string;
  readonly source: string;
  /** Of the mount and of the file system: "ro", "upperdir=/run/x", … */
  readonly options: readonly string[];
}

/** The mounts in the order of the file. Lines that are none are left out. */
export function parseMountinfo(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [front, back] = split(line);
    const [id, parent, device, root, path, options] = front.split(" ");
    const [type, source, superOptions = ""] = back.split(" ");
    if (device === undefined || root === undefined || path === undefined || options === undefined) return [];
    if (type === undefined || source === undefined) return [];
    return [
      {
        id: Number(id),
        parent: Number(parent),
        device,
        root: unescapeOctal(root),
        path: unescapeOctal(path),
        type,
        source: unescapeOctal(source),
        options: [...options.split(","), ...superOptions.split(",").map(unescapeOctal)],
      },
    ];
  });
}

/** The mount that is seen at exactly this path: the one on which no other lies. */
export function topmostMount(mounts: readonly Mount[], path: string): Mount | undefined {
  const stack = mounts.filter((mount) => mount.path === path);
  // By parents, not by order: a mount can be put beneath an older one (move_mount(2), MOVE_MOUNT_BENEATH).
  return stack.findLast(({ id }) => !stack.some((other) => other.parent === id && other.id !== id));
}

/** The value of an option "name=value" of a mount. */
export function mountOption(mount: Mount | undefined, name: string): string | undefined {
  return mount?.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}

function split(line: string): [string, string] {
  const at = line.indexOf(" - ");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 3)];
}

/** Blanks, tabs, line breaks and backslashes are written as "\\040". */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
