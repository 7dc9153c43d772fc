/**
 * fs-verity written offline, in front of a kernel that really has it: one boot of Debian's kernel, with two objects
 * tampered with on the disk beforehand, shared by all assertions.
 */
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeDisk } from "#image/disk.ts";
import { silentReporter } from "#report/reporter.ts";
import type { ObjectId } from "#store/object.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import { openShell, runCommand } from "#vm/console.ts";
import type { CommandResult, Console } from "#vm/console.ts";
import { startMachine } from "#vm/machine.ts";
import type { Machine } from "#vm/machine.ts";
import { openWorkspace } from "#workspace";
import { diskFixture, sampleBytes } from "../support/disk-fixture.ts";
import type { DiskFixture } from "../support/disk-fixture.ts";
import { guestInitrd } from "../support/guest-initrd.ts";
import { openGuestRoot } from "../support/guest-root.ts";

const ROOT_START = 513 * 1024 * 1024;
const BLOCK = 4096;
const BOOT_MS = 300_000;
const COMMAND_MS = 120_000;
/** Where a block, the 64 KiB before the metadata, or a level of the tree ends; the last one has three levels. */
const SIZES = [65, 4095, 4096, 4097, 65_535, 65_536, 65_537, 128 * BLOCK, 128 * BLOCK + 1, 5_000_000, 128 * 128 * BLOCK + 1];
const PROGRAMS = ["bash", "cat", "cp", "fsverity", "ls", "mount", "mv", "rm", "setsid", "sha256sum", "stty", "sync"];

let folder: string;
let toolchain: Toolchain;
let fixture: DiskFixture;
let machine: Machine & { readonly console: Console };

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ashlar-verity-"));
  const workspace = openWorkspace();
  const context = { workspace, report: silentReporter };
  toolchain = await openToolchain("build", context);
  const contents = new Map(SIZES.map((size) => [`${size}`, sampleBytes(size)]));
  contents.set("zeros", Buffer.alloc(300_000));
  contents.set("bad-content", sampleBytes(200_001));
  contents.set("bad-tree", sampleBytes(200_002));
  contents.set("unprotected", sampleBytes(200_003));
  fixture = await diskFixture(folder, contents, { workspace, toolchain });
  await makeDisk(fixture.request);
  // A file's blocks are in order: 49 of content, one of the tree, one of the descriptor.
  await flipByte("/f/bad-content", 0);
  await flipByte("/f/bad-tree", 49);
  const guest = await openGuestRoot(workspace, toolchain);
  const initrd = join(folder, "initrd");
  writeFileSync(
    initrd,
    await guestInitrd({
      root: guest.root,
      programs: [...PROGRAMS.map((name) => `usr/bin/${name}`), "usr/sbin/insmod"],
      modulesFolder: guest.modulesFolder,
      modules: ["virtio_blk", "ext4", "erofs", "overlay"],
      script: "echo guest is ready; exec setsid -c bash </dev/ttyS0 >/dev/ttyS0 2>&1",
    }),
  );
  machine = await startMachine({
    ...context,
    toolchain: await openToolchain("vm", context),
    disk: fixture.request.output,
    ephemeral: true,
    memory: 1024,
    serial: "pipe",
    kernel: guest.kernel,
    initrd,
    append: "console=ttyS0 panic=-1 quiet",
  });
  await machine.console.waitFor(/guest is ready/, BOOT_MS);
  await openShell(machine.console, COMMAND_MS);
  await succeed("mount -t ext4 /dev/vda2 /sysroot && cd /sysroot/ashlar/store/objects");
});

after(async () => {
  await machine?.stop();
  await fixture?.store.close();
  rmSync(folder, { recursive: true });
});

void test("the kernel measures the digest that every object has as its name", async () => {
  const lines = (await succeed("for object in */*; do fsverity measure $object; done")).split("\n");
  assert.equal(lines.length, fixture.files.size + 1);
  for (const line of lines) {
    const [, digest, path] = /^sha256:(\w+) (\S+)$/.exec(line) ?? [];
    assert.equal(digest, path?.replace("/", ""));
  }
});

void test("an overlay with verity=require reads every file as it was stored", async () => {
  // What copying does to an object: the same bytes, no fs-verity.
  const copied = objectPath("/f/unprotected");
  await succeed(`cp ${copied} ../tmp/copy && mv -f ../tmp/copy ${copied} && sync`);
  await succeed(`mount -t erofs -o ro ../images/${fixture.request.image.digest} /image`);
  const options = "ro,metacopy=on,redirect_dir=on,verity=require,lowerdir=/image::/sysroot/ashlar/store/objects";
  await succeed(`mount -t overlay -o ${options} composefs /root`);
  const good = [...fixture.files].filter(([path]) => !/bad|unprotected/.test(path));
  const sums = await succeed(`cd /root; sha256sum ${good.map(([path]) => `.${path}`).join(" ")}`);
  assert.deepEqual(
    sums.split("\n"),
    good.map(([path, { sha256 }]) => `${sha256}  .${path}`),
  );
});

void test("a flipped byte of content or tree is an I/O error on that file, never wrong content", async () => {
  for (const name of ["bad-content", "bad-tree"]) {
    const { output, exitCode } = await run(`cat /root/f/${name} >/dev/null`);
    assert.equal(exitCode, 1);
    assert.match(output, new RegExp(`/root/f/${name}: Input/output error`));
  }
});

void test("an object that lost its fs-verity is refused", async () => {
  const { output, exitCode } = await run("cat /root/f/unprotected >/dev/null");
  assert.equal(exitCode, 1);
  assert.match(output, /unprotected: Input\/output error/);
});

void test("an object cannot be written, not even by root", async () => {
  const { output } = await run(`echo x >>/sysroot/ashlar/store/objects/${objectPath("/f/65536")}`);
  assert.match(output, /Operation not permitted/);
});

async function flipByte(path: string, blockIndex: number): Promise<void> {
  const disk = fixture.request.output;
  const { stdout } = await runInToolchain(
    toolchain,
    "debugfs",
    ["-R", `blocks /ashlar/store/objects/${objectPath(path)}`, `/tmp/disk.img?offset=${ROOT_START}`],
    { binds: [{ from: disk, to: "/tmp/disk.img" }] },
  );
  const block = Number(stdout.toString().trim().split(/\s+/)[blockIndex]);
  const at = ROOT_START + block * BLOCK + 1;
  const byte = Buffer.alloc(1);
  const fd = openSync(disk, "r+");
  try {
    readSync(fd, byte, 0, 1, at);
    byte.writeUInt8(byte.readUInt8() ^ 1);
    writeSync(fd, byte, 0, 1, at);
  } finally {
    closeSync(fd);
  }
}

function objectPath(path: string): string {
  const object: ObjectId | undefined = fixture.files.get(path)?.object;
  assert.ok(object !== undefined, path);
  return `${object.slice(0, 2)}/${object.slice(2)}`;
}

function run(command: string): Promise<CommandResult> {
  return runCommand(machine.console, command, COMMAND_MS);
}

async function succeed(command: string): Promise<string> {
  const { output, exitCode } = await run(command);
  assert.equal(exitCode, 0, `${command}\n${output}`);
  return output;
}
