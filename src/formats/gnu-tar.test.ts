import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { exec } from "#sys/exec.ts";
import { TAR_BLOCK, TAR_END, tarHeader, tarPadding } from "./gnu-tar.ts";

void test("GNU tar unpacks files, folders, links and holes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-gnu-tar-"));
  try {
    const content = Buffer.from("content");
    const sparse = [Buffer.alloc(TAR_BLOCK, "a"), Buffer.alloc(100, "b")];
    const regions = [
      { offset: 0, size: TAR_BLOCK },
      { offset: 65_536, size: 100 },
    ];
    const archive = [
      tarHeader({ kind: "directory", path: "folder", mode: 0o700, mtime: 5 }),
      tarHeader({ kind: "file", path: "folder/plain", mode: 0o444, mtime: 5, size: content.length }),
      content,
      tarPadding(content.length),
      tarHeader({ kind: "symlink", path: "link", mode: 0o777, mtime: 5, target: "folder/plain" }),
      tarHeader({ kind: "file", path: "sparse", mode: 0o644, mtime: 7, size: 65_636, regions }),
      ...sparse,
      tarPadding(100),
      tarHeader({ kind: "file", path: "empty", mode: 0o644, mtime: 5 }),
      TAR_END,
    ];
    writeFileSync(join(folder, "archive"), Buffer.concat(archive));
    await exec("tar", ["-C", folder, "-xpf", join(folder, "archive")]);
    assert.equal(readFileSync(join(folder, "link"), "utf8"), "content");
    assert.equal(readlinkSync(join(folder, "link")), "folder/plain");
    assert.equal(statSync(join(folder, "folder")).mode & 0o7777, 0o700);
    assert.equal(statSync(join(folder, "folder/plain")).mode & 0o7777, 0o444);
    const unpacked = readFileSync(join(folder, "sparse"));
    assert.deepEqual(unpacked, Buffer.concat([sparse[0] ?? "", Buffer.alloc(65_536 - TAR_BLOCK), sparse[1] ?? ""] as Buffer[]));
    assert.equal(statSync(join(folder, "sparse")).mtimeMs, 7000);
    assert.equal(statSync(join(folder, "empty")).size, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

void test("a name or a size without room in the header is refused", () => {
  const entry = { kind: "file", path: "p", mode: 0o644, mtime: 0 } as const;
  assert.throws(() => tarHeader({ ...entry, path: "p".repeat(101) }), { code: "E_GNUTAR_NAME" });
  assert.throws(() => tarHeader({ ...entry, size: 8 * 2 ** 30 }), { code: "E_GNUTAR_SIZE" });
  assert.equal(tarHeader({ ...entry, size: 8 * 2 ** 30 - 1 }).length, TAR_BLOCK);
});
