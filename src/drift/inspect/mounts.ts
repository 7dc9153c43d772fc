/** Mounts that neither the config declares nor the system makes itself, and declared ones that are missing. */
import { parseMountinfo } from "#formats/mountinfo.ts";
import type { Mount } from "#formats/mountinfo.ts";
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";

/** Where the initrd and the boot stage mount (ARCHITECTURE.md, "Root at run time"). */
const OWN = new Set(["/", "/etc", "/var", "/home", "/root", "/srv", "/state", "/sysroot", "/efi"]);

/** Interfaces of the kernel, wherever systemd or a service mounts them. */
const KERNEL_TYPES = new Set(
  (
    "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs proc pstore " +
    "ramfs rpc_pipefs securityfs sysfs tracefs"
  ).split(" "),
);

/** Below these, systemd, sessions and containers mount what they need and take it away again. */
const TRANSIENT =
  /^\/(dev|proc|sys)\/|^\/(run|tmp)$|^\/run\/(lock|user|credentials|netns|systemd|containers|docker|ashlar)(\/|$)|^\/var\/lib\/(containers|docker|kubelet)\//;

export function inspectMounts({ mountinfo, system, session }: Facts): Finding[] {
  const mounts = parseMountinfo(mountinfo);
  const seen = new Map(mounts.map((mount) => [mount.path, mount]));
  const added = [...seen.values()].filter((mount) => !isKnown(mount) && !(mount.path in system.mounts));
  const missing = Object.keys(system.mounts).filter((path) => !seen.has(path));
  const root = seen.get("/");
  return [
    ...added
      .filter(({ path }) => !(session !== undefined && path === "/usr"))
      .map(({ path, type, source }): Finding => ({ kind: "mount", name: path, change: "added", what: [`${type} ${source}`] })),
    ...missing.map((path): Finding => ({ kind: "mount", name: path, change: "removed", what: [system.mounts[path]?.device ?? ""] })),
    ...(root?.options.includes("rw") === true ? [{ kind: "mount", name: "/", change: "changed", what: ["writable"] } as const] : []),
  ];
}

function isKnown({ path, type, source }: Mount): boolean {
  // A new image mounted over /usr is another generation that runs, not drift.
  return OWN.has(path) || KERNEL_TYPES.has(type) || TRANSIENT.test(path) || (path === "/usr" && source.startsWith("composefs:"));
}
