import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleClosure, moduleName, parseModulesAlias, parseModulesDep, parseModulesSoftdep, underscored } from "./modules-dep.ts";

const modules = parseModulesDep(`kernel/fs/erofs/erofs.ko.xz: kernel/lib/libcrc32c.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/lib/libcrc32c.ko.xz:
kernel/fs/netfs/netfs.ko.xz:
kernel/arch/x86/crypto/crc32c-intel.ko.xz:
kernel/drivers/block/virtio_blk.ko:
`);

test("a module's name has underscores and no suffix", () => {
  assert.equal(moduleName("kernel/arch/x86/crypto/crc32c-intel.ko.xz"), "crc32c_intel");
  assert.equal(moduleName("kernel/drivers/block/virtio_blk.ko"), "virtio_blk");
});

test("a closure has what modules need and would like, sorted, without unknown names", () => {
  const softdeps = parseModulesSoftdep("softdep libcrc32c pre: crc32c crc32c-intel\n");
  assert.deepEqual(
    moduleClosure(modules, ["erofs", "not-there"], softdeps).map(({ name }) => name),
    ["crc32c_intel", "erofs", "netfs", "libcrc32c"],
  );
});

test("aliases keep their pattern, and hyphens inside a character class", () => {
  assert.deepEqual(parseModulesAlias("# comment\nalias fs-erofs erofs\nalias pci:v*d[0-9]* virtio-blk\n"), [
    { pattern: "fs-erofs", module: "erofs" },
    { pattern: "pci:v*d[0-9]*", module: "virtio_blk" },
  ]);
  assert.equal(underscored("fs-erofs[a-z]-x"), "fs_erofs[a-z]_x");
});
