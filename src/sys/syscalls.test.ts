import assert from "node:assert/strict";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fromText } from "#formats/bytes.ts";
import { tryLock, unlock } from "./flock.ts";
import { renameExchange, renameNoReplace } from "./rename.ts";
import { syncFileSystem } from "./syncfs.ts";
import { enableVerity, measureVerity } from "./verity.ts";
import { getXattr, listXattrs, setXattr } from "./xattr.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-sys-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, content = name): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

test("an exclusive lock waits for shared ones and shared ones for it", () => {
  const path = file("lock");
  const [one, other] = [openSync(path, "r"), openSync(path, "r")];
  assert.equal(tryLock(one, "shared"), true);
  assert.equal(tryLock(other, "shared"), true);
  assert.equal(tryLock(one, "exclusive"), false);
  unlock(other);
  assert.equal(tryLock(one, "exclusive"), true);
  assert.equal(tryLock(other, "shared"), false);
  closeSync(one);
  assert.equal(tryLock(other, "shared"), true);
  closeSync(other);
});

test("locking a closed descriptor is an error with the errno of the kernel", () => {
  assert.throws(() => tryLock(9999, "shared"), { code: "EBADF", syscall: "flock" });
});

test("a rename that may not replace leaves both files alone", () => {
  const [from, to] = [file("from"), file("to")];
  assert.equal(renameNoReplace(from, to), false);
  assert.equal(readFileSync(to, "utf8"), "to");
  rmSync(to);
  assert.equal(renameNoReplace(from, to), true);
  assert.equal(existsSync(from), false);
  assert.throws(() => renameNoReplace(from, to), { code: "ENOENT", path: from });
});

test("an exchange swaps two names", () => {
  const [one, other] = [file("one"), file("other")];
  renameExchange(one, other);
  assert.equal(readFileSync(one, "utf8"), "other");
  assert.equal(readFileSync(other, "utf8"), "one");
  assert.throws(() => renameExchange(one, join(folder, "none")), { code: "ENOENT" });
});

test("extended attributes come back byte for byte, also on names that are not ASCII", () => {
  const path = fromText(file("größe"));
  assert.deepEqual(listXattrs(path), []);
  assert.equal(getXattr(path, "user.test"), undefined);
  setXattr(path, "user.test", "\0\xff=\n");
  setXattr(path, "user.empty", "");
  assert.deepEqual(listXattrs(path).sort(), ["user.empty", "user.test"]);
  assert.equal(getXattr(path, "user.test"), "\0\xff=\n");
  assert.equal(getXattr(path, "user.empty"), "");
  assert.throws(() => listXattrs(fromText(join(folder, "none"))), { code: "ENOENT", syscall: "llistxattr" });
});

test("syncing a file system works on any folder and names the one that is missing", () => {
  syncFileSystem(folder);
  assert.throws(() => syncFileSystem(join(folder, "none")), { code: "ENOENT" });
});

test("verity is on with the digest of object names, or named as unsupported", () => {
  // /proc has no fs-verity on any kernel; real digests are measured in a virtual machine (test/vm).
  const fd = openSync("/proc/self/status", "r");
  try {
    assert.throws(() => enableVerity(fd, "/proc/self/status"), { code: "E_VERITY_UNSUPPORTED", message: /\/proc\/self\/status/ });
    assert.throws(() => measureVerity(fd, "/proc/self/status"), { code: "E_VERITY_UNSUPPORTED" });
  } finally {
    closeSync(fd);
  }
});
