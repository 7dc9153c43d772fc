import assert from "node:assert/strict";
import test from "node:test";
import { readDeb } from "#formats/deb.ts";
import { parsePackageIndex } from "#formats/package-index.ts";
import { readTar } from "#formats/tar/reader.ts";
import { builtinPackage } from "./builtin.ts";

void test("the built-in package is the same bytes on every machine", () => {
  assert.equal(builtinPackage().locked.sha256, "08432a4898ca739def47a71c607988e405e9d9d1a3688a1a5995a0722c2f7e50");
});

void test("the built-in package is a good package that stands for a maker of initrds and installs nothing", async () => {
  const deb = await readDeb(builtinPackage().content);
  assert.equal(deb.control.get("Provides"), "linux-initramfs-tool");
  assert.deepEqual([...deb.members.keys()], []);
  assert.deepEqual(
    readTar(deb.dataTar).map(({ path }) => path),
    ["/"],
  );
});

void test("its stanza is found in an index like any other", () => {
  const { stanza, locked } = builtinPackage();
  const [found] = parsePackageIndex(Buffer.from(stanza)).providers("linux-initramfs-tool");
  assert.equal(found?.sha256, locked.sha256);
});
