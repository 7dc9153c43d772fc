import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { GPT_HEAD, readGpt } from "#formats/gpt.ts";
import { makeDisk } from "#image/disk.ts";
import { silentReporter } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
import { openToolchain } from "#toolchain/open.ts";
import type { Toolchain } from "#toolchain/open.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import { copyDisk } from "#vm/disk-copy.ts";
import { openWorkspace } from "#workspace";
import { diskFixture, sampleBytes } from "../support/disk-fixture.ts";
import type { DiskFixture } from "../support/disk-fixture.ts";

const MIB = 1024 * 1024;
const ROOT_START = 513 * MIB;
const SIZES = [65, 4096, 4097, 65_536, 65_537, 1_000_000];

let folder: string;
let toolchain: Toolchain;
let fixture: DiskFixture;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ashlar-disk-"));
  const workspace = openWorkspace();
  toolchain = await openToolchain("build", { workspace, report: silentReporter });
  const contents = new Map(SIZES.map((size) => [`${size}`, sampleBytes(size)]));
  contents.set("zeros", Buffer.alloc(300_000));
  fixture = await diskFixture(folder, contents, { workspace, toolchain });
  await makeDisk(fixture.request);
});

after(async () => {
  await fixture.store.close();
  rmSync(folder, { recursive: true });
});

void test("the partition table holds an ESP and a root partition by their names", () => {
  const head = Buffer.alloc(GPT_HEAD);
  const fd = openSync(fixture.request.output, "r");
  readSync(fd, head);
  closeSync(fd);
  const { partitions, diskSize } = readGpt(head);
  assert.deepEqual(
    partitions.map(({ name, start }) => [name, start]),
    [
      ["esp", MIB],
      ["ashlar", ROOT_START],
    ],
  );
  assert.equal(diskSize, statSync(fixture.request.output).size);
});

void test("the file systems have no errors and the root has the verity feature", async () => {
  await inTools("e2fsck", ["-fn", root()]);
  assert.match(await debugfs("show_super_stats -h"), /Filesystem features:.* verity/);
  const esp = join(folder, "esp.img");
  await exec("dd", [`if=${fixture.request.output}`, `of=${esp}`, "bs=1M", "skip=1", "count=512", "conv=sparse"]);
  const { stdout } = await runInToolchain(toolchain, "fsck.fat", ["-n", "/tmp/esp.img"], { binds: [{ from: esp, to: "/tmp/esp.img" }] });
  assert.match(stdout.toString(), /8 files/);
  rmSync(esp);
});

void test("the ESP has the files that were asked for", async () => {
  const image = ["-i", `/tmp/disk.img@@${MIB}`];
  assert.equal(await inTools("mtype", [...image, "::loader/entries/ashlar-000001+3.conf"]), "title Test\n");
  assert.match(await inTools("mdir", [...image, "::ashlar/kernel"]), /linux +3000000/);
});

void test("objects have their true size and the verity flag, the store is closed to others, /state/root too", async () => {
  for (const { object, size } of fixture.files.values()) {
    const text = await debugfs(`stat /ashlar/store/objects/${object.slice(0, 2)}/${object.slice(2)}`);
    assert.match(text, new RegExp(`Mode: +0444 +Flags: 0x180000[^]* Size: ${size}\\n`));
  }
  const modeOf = async (path: string): Promise<string | undefined> => /Mode: +(\d+)/.exec(await debugfs(`stat ${path}`))?.[1];
  assert.equal(await modeOf("/ashlar/store"), "0700");
  assert.equal(await modeOf("/state/root"), "0700");
  assert.equal(await modeOf("/state/var"), "0755");
});

void test("the store on the disk is the store that this program opens", async () => {
  const { digest } = fixture.request.image;
  assert.equal(await debugfs(`cat /ashlar/store/images/${digest}`), `../objects/${digest.slice(0, 2)}/${digest.slice(2)}`);
  assert.equal(await debugfs("cat /ashlar/store/meta.json"), readFileSync(join(fixture.store.root, "meta.json"), "utf8"));
  assert.deepEqual(JSON.parse(await debugfs("cat /ashlar/deployments/000001.json")), fixture.request.deployment);
});

void test("the same inputs give the same bytes, whatever the time zone, umask and order of the objects", async () => {
  const again = join(folder, "again.img");
  const umask = process.umask(0o077);
  process.env["TZ"] = "Pacific/Auckland";
  try {
    await makeDisk({ ...fixture.request, output: again, objects: [...fixture.request.objects].reverse() });
  } finally {
    process.umask(umask);
    delete process.env["TZ"];
  }
  await exec("cmp", [fixture.request.output, again]);
  rmSync(again);
});

void test("a copy of a disk has the same bytes and no more blocks", async () => {
  const copy = join(folder, "copy.img");
  await copyDisk(fixture.request.output, copy, toolchain);
  await exec("cmp", [fixture.request.output, copy]);
  assert.ok(statSync(copy).blocks <= statSync(fixture.request.output).blocks);
  rmSync(copy);
});

void test("a disk that is too small is refused before anything is written", async () => {
  const output = join(folder, "small.img");
  await assert.rejects(makeDisk({ ...fixture.request, output, size: 500 * MIB }), {
    code: "E_DISK_TOO_SMALL",
    hint: /ashlar disk --size \d+M/,
  });
  assert.equal(existsSync(output), false);
});

void test("the smallest size that is allowed is enough", async () => {
  const output = join(folder, "tight.img");
  const refused = await makeDisk({ ...fixture.request, output, size: MIB }).catch(
    (error: unknown) => error as { details: { needed: number } },
  );
  assert.ok("details" in refused);
  const { bytes } = await makeDisk({ ...fixture.request, output, size: refused.details.needed });
  assert.equal(bytes, refused.details.needed);
  rmSync(output);
});

void test("a folder without room is refused, and the disk that lies there stays", async () => {
  const mount = join(folder, "full");
  mkdirSync(mount);
  await exec("mount", ["-t", "tmpfs", "-o", "size=40M", "tmpfs", mount]);
  try {
    const output = join(mount, "disk.img");
    writeFileSync(output, "the disk of yesterday");
    await assert.rejects(makeDisk({ ...fixture.request, output }), { code: "E_DISK_SPACE", message: /bytes needed, \d+ free/ });
    assert.deepEqual(readdirSync(mount), ["disk.img"]);
    assert.equal(readFileSync(output, "utf8"), "the disk of yesterday");
  } finally {
    await exec("umount", [mount]);
  }
});

void test("a damaged object of the store is named and leaves no disk behind", async () => {
  const path = fixture.store.pathOf(fixture.files.get("/f/4097")?.object ?? fixture.request.image.digest);
  const whole = readFileSync(path);
  chmodSync(path, 0o644);
  writeFileSync(path, Buffer.concat([whole.subarray(0, -1), Buffer.from("!")]));
  try {
    const output = join(folder, "damaged.img");
    await assert.rejects(makeDisk({ ...fixture.request, output }), (error: unknown) => {
      assert.equal((error as { code: string }).code, "E_DISK_OBJECT");
      assert.ok((error as Error).message.includes(path));
      return true;
    });
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith("damaged")),
      [],
    );
  } finally {
    writeFileSync(path, whole);
    chmodSync(path, 0o444);
  }
});

async function inTools(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await runInToolchain(toolchain, program, args, { binds: [{ from: fixture.request.output, to: "/tmp/disk.img" }] });
  return stdout.toString();
}

function debugfs(command: string): Promise<string> {
  return inTools("debugfs", ["-R", command, root()]);
}

function root(): string {
  return `/tmp/disk.img?offset=${ROOT_START}`;
}
