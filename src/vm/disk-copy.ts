/** Copies of disk images that stay small: holes stay holes, and a file system that shares blocks copies none. */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { runInToolchain } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";

/** Copies the disk `from` to `to`, which is replaced in one step. Node's own copyFile would write every hole out. */
export async function copyDisk(from: string, to: string, toolchain: Toolchain): Promise<void> {
  const aside = `${resolve(to)}.${randomBytes(6).toString("hex")}.tmp`;
  closeSync(openSync(aside, "wx"));
  try {
    await runInToolchain(toolchain, "cp", ["--reflink=auto", "--sparse=always", "/tmp/from.img", "/tmp/to.img"], {
      binds: [
        { from: resolve(from), to: "/tmp/from.img", readonly: true },
        { from: aside, to: "/tmp/to.img" },
      ],
    });
    renameSync(aside, to);
  } finally {
    rmSync(aside, { force: true });
  }
}
