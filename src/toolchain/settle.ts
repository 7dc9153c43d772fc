/** The few files that maintainer scripts would have made and that tools ask for. */
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LIBRARIES = "usr/lib/x86_64-linux-gnu";

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd":
    "root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  "etc/group": "root:x:0:\nstaff:x:50:\nnogroup:x:65534:\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
  "etc/hosts": "127.0.0.1 localhost\n",
  // A mount point for the build host's own, when a program may use the network.
  "etc/resolv.conf": "",
  "var/lib/dpkg/status": "",
  "var/lib/dpkg/available": "",
};

/** Completes an unpacked tools tree at `root`. */
export function settleTools(root: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const folder of ["root", "tmp", "run", "var/tmp", "var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/log/apt"])
    mkdirSync(join(root, folder), { recursive: true });
  // dash's postinst makes this one; everything else calls it.
  if (!existsSync(join(root, "usr/bin/sh"))) symlinkSync("dash", join(root, "usr/bin/sh"));
  linkLibraries(root);
}

/** There is no ld.so.cache: libraries in folders of their own are linked to where the loader looks anyway. */
function linkLibraries(root: string): void {
  const folder = join(root, LIBRARIES);
  for (const inner of ["libeatmydata", "systemd", "pulseaudio"].filter((name) => existsSync(join(folder, name)))) {
    for (const name of readdirSync(join(folder, inner)))
      if (/\.so(\.|$)/.test(name) && !existsSync(join(folder, name))) symlinkSync(`${inner}/${name}`, join(folder, name));
  }
}
