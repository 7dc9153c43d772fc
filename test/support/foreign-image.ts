/** A container image that podman made from a Containerfile, of real Debian packages and nothing of Ashlar. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fetchPackages } from "#archive/download.ts";
import { readLock } from "#lock/file.ts";
import type { Context } from "#pipeline";
import { openToolchain } from "#toolchain/open.ts";
import { installPackages } from "#tree/install/install.ts";
import { epochOf } from "../../src/pipeline/keys.ts";
import { lockPathOf } from "../../src/pipeline/lock-path.ts";
import { ociTools } from "./oci-tools.ts";
import { podmanBuild } from "./podman.ts";

const CONTAINERFILE = `FROM scratch
COPY root /
RUN useradd --system --home-dir /var/lib/app app && mkdir /var/lib/app && chown app /var/lib/app && echo first > /etc/app.conf
RUN printf '[Service]\\nUser=app\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/app.service \\
 && systemctl enable app.service && rm -rf /usr/share/doc && echo second > /etc/app.conf && ln /etc/app.conf /etc/app-again.conf
RUN cp /usr/bin/true /usr/local/bin/helper && chmod 4755 /usr/local/bin/helper
`;

/** A program of the image that may be imported only when it is named: it is setuid, and no package's. */
export const HELPER = "/usr/local/bin/helper";

export interface ForeignImage {
  /** An OCI layout. */
  readonly layout: string;
  /** What `podman save` writes. */
  readonly archive: string;
}

/** @param config whose locked packages the image has @param folder an empty one, in memory */
export async function foreignImage(config: string, folder: string, context: Context): Promise<ForeignImage> {
  const shared = join(folder, "context");
  mkdirSync(join(shared, "root"), { recursive: true });
  await installDebian(config, join(shared, "root"), context);
  writeFileSync(join(shared, "Containerfile"), CONTAINERFILE);
  await podmanBuild(await ociTools(), { folder: join(folder, "podman"), shared });
  return { layout: join(shared, "image.oci"), archive: join(shared, "image.tar") };
}

/** What debootstrap would make: the packages that the config needs, configured, and nothing of Ashlar. */
async function installDebian(config: string, root: string, context: Context): Promise<void> {
  const lock = readLock(lockPathOf(config));
  const toolchain = await openToolchain("build", { ...context, packages: lock.tools.packages });
  const archives = await fetchPackages(lock.packages, context);
  const request = { root, packages: lock.packages, archives, toolchain, architecture: "amd64", epoch: epochOf(lock), locale: "C.UTF-8" };
  const umask = process.umask(0o022);
  await context.report.step("install", (step) => installPackages(request, step)).finally(() => process.umask(umask));
}
