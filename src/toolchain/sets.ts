/** What Ashlar's own tools are made of. Their dependencies come along; nothing of the build host is used. */

export type ToolSet = "build" | "check" | "faults" | "layers" | "oci" | "vm";

/** Where tools come from, whatever suite a system is built from: the same tools everywhere. */
export const TOOLS = { suite: "trixie", architecture: "amd64", components: ["main"] } as const;

export const TOOL_SETS: Readonly<Record<ToolSet, readonly string[]>> = {
  build: [
    "apt", // resolves dependencies
    "base-files",
    "base-passwd",
    "bash",
    "binutils", // strip
    "bubblewrap", // the sandbox
    "ca-certificates",
    "coreutils",
    "dash",
    "debconf",
    "debianutils",
    "diffutils",
    "dosfstools", // mkfs.fat
    "dpkg", // unpacks and configures
    "e2fsprogs", // mke2fs, debugfs
    "eatmydata",
    "erofs-utils", // fsck.erofs
    "findutils",
    "grep",
    "gzip",
    "kmod",
    "libarchive13t64", // mke2fs -d reads tar through it
    "libc-bin", // localedef, ldconfig
    "locales",
    "mount",
    "mtools", // fills the ESP without mounting it
    "passwd",
    "perl-base",
    "sed",
    "systemd-boot-efi", // the loader for the ESP
    "systemd-boot-tools", // bootctl
    "tar",
    "util-linux",
    "xz-utils",
    "zstd",
  ],
  /** On a machine, for layers: packages are installed by the dpkg of the image itself. */
  layers: ["apt", "bubblewrap", "dpkg", "eatmydata"],
  /** Only for `ashlar build --check`. */
  check: ["libfaketime"],
  /** Only for tests: makes system calls fail. */
  faults: ["strace"],
  /** Only for tests: a registry, and other programs that read images. */
  oci: ["busybox-static", "ca-certificates", "conmon", "crun", "docker-registry", "openssl", "podman", "skopeo"],
  vm: ["bubblewrap", "dash", "coreutils", "iproute2", "openssh-client", "ovmf", "qemu-system-x86", "seabios", "util-linux"],
};
