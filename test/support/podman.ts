/** Debian's podman as root, in a root of its own: programs, libraries and helpers all come from the tools tree. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exec } from "#sys/exec.ts";
import type { OciTools } from "./oci-tools.ts";

/** In a mount namespace that goes away with it. crun wants no cgroups when it is not to make any, and a root that is a mount. */
const SCRIPT = `set -e
mount --bind "$1" "$1"
mount --bind -o ro "$2/usr" "$1/usr"
for name in bin sbin lib lib64; do ln -sfn usr/$name "$1/$name"; done
mount -t proc proc "$1/proc"
mount --bind /sys "$1/sys"
mount -t tmpfs tmpfs "$1/sys/fs/cgroup"
mount --rbind /dev "$1/dev"
mount --bind "$3" "$1/shared"
root=$1
shift 3
exec chroot "$root" /usr/bin/podman --root /var/store --runroot /run/store --storage-driver vfs \\
  --cgroup-manager cgroupfs --events-backend none --runtime /usr/bin/crun "$@"
`;

/** Where a podman keeps its images, and the folder of the host that it sees as /shared. */
interface PodmanPlace {
  readonly folder: string;
  readonly shared: string;
}

/** Runs one podman command. @returns what it printed */
async function podman(tools: OciTools, { folder, shared }: PodmanPlace, args: readonly string[]): Promise<string> {
  for (const name of ["usr", "etc/containers", "var/tmp", "tmp", "run", "proc", "sys", "dev", "shared"])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "etc/containers/policy.json"), `{"default":[{"type":"insecureAcceptAnything"}]}`);
  for (const name of ["passwd", "group"]) writeFileSync(join(folder, "etc", name), "root:x:0:0::/root:/bin/sh\n");
  const options = {
    timeout: 3_600_000,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", PODMAN_IGNORE_CGROUPSV1_WARNING: "1" },
  };
  const inside = ["sh", "-c", SCRIPT, "podman", folder, tools.root, shared, ...args];
  const { stdout } = await exec("unshare", ["--mount", "--propagation", "private", ...inside], options);
  return stdout.toString();
}

/**
 * Starts a container of the image `latest` of a layout.
 * @param folder where images and containers are kept; empty
 * @returns what the command printed
 */
export async function podmanRun(tools: OciTools, folder: string, layout: string, command: readonly string[]): Promise<string> {
  const isolated = ["--network", "none", "--cgroups", "disabled", "--security-opt", "seccomp=unconfined"];
  return podman(tools, { folder, shared: layout }, ["run", "--rm", "--quiet", ...isolated, "oci:/shared:latest", ...command]);
}

/**
 * Builds the image of a folder with a Containerfile and writes it back into that folder: as a layout `image.oci`, and as the
 * archive `image.tar`.
 */
export async function podmanBuild(tools: OciTools, place: PodmanPlace): Promise<void> {
  const isolated = [
    "--network",
    "host",
    "--isolation",
    "chroot",
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=1024:1024",
    "--security-opt",
    "seccomp=unconfined",
  ];
  await podman(tools, place, ["build", "--quiet", "--layers", ...isolated, "--tag", "localhost/machine", "/shared"]);
  await podman(tools, place, ["push", "--quiet", "localhost/machine", "oci:/shared/image.oci:latest"]);
  await podman(tools, place, ["save", "--quiet", "--format", "docker-archive", "--output", "/shared/image.tar", "localhost/machine"]);
}
