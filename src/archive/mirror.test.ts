import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { findMirror } from "./mirror.ts";

/** A folder like /etc/apt with the given files; FOLDER in them stands for its path. */
function aptFolder(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-mirror-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.replaceAll("FOLDER", folder));
  }
  return folder;
}

void test("ASHLAR_MIRROR decides, and the security archive lies beside it", () => {
  assert.deepEqual(findMirror({ env: { ASHLAR_MIRROR: "http://mirror.test/pub/debian/" } }), {
    debian: "http://mirror.test/pub/debian",
    "debian-security": "http://mirror.test/pub/debian-security",
  });
});

void test("deb822 sources are read, third-party and disabled ones are left alone", (t) => {
  const folder = aptFolder(t, {
    "sources.list.d/a-cloud.sources": "Types: deb\nURIs: https://cloud.test/apt\nSuites: x\n",
    "sources.list.d/b-old.sources": "Enabled: no\nTypes: deb\nURIs: http://old.test/debian\nSuites: x\n",
    "sources.list.d/debian.sources":
      "Types: deb\nURIs: http://main.test/debian\nSuites: bookworm\n\nTypes: deb\nURIs: http://sec.test/debian-security/\nSuites: bookworm-security\n",
    "sources.list.d/z.sources.disabled": "Types: deb\nURIs: http://disabled.test/debian\n",
  });
  assert.deepEqual(findMirror({ env: {}, aptFolder: folder }), {
    debian: "http://main.test/debian",
    "debian-security": "http://sec.test/debian-security",
  });
});

void test("one-line sources with options and comments are read", (t) => {
  const folder = aptFolder(t, {
    "sources.list":
      "# deb http://comment.test/debian x main\ndeb cdrom:[x]/ y\ndeb [arch=amd64 signed-by=/k] http://line.test/debian trixie main\n",
  });
  assert.equal(findMirror({ env: {}, aptFolder: folder }).debian, "http://line.test/debian");
});

void test("mirror lists of Debian's cloud images are followed", (t) => {
  const folder = aptFolder(t, {
    "mirrors/debian.list": "https://cloud-mirror.test/debian\n",
    "sources.list.d/debian.sources": "Types: deb\nURIs: mirror+file:FOLDER/mirrors/debian.list\nSuites: trixie\n",
  });
  assert.equal(findMirror({ env: {}, aptFolder: folder }).debian, "https://cloud-mirror.test/debian");
});

void test("no mirror, or a wrong one, is an error with the command that sets it", (t) => {
  const expected = { code: "E_MIRROR_UNKNOWN", hint: /^export ASHLAR_MIRROR=/ };
  const empty = aptFolder(t, {});
  assert.throws(() => findMirror({ env: {}, aptFolder: empty }), expected);
  assert.throws(() => findMirror({ env: { ASHLAR_MIRROR: "ftp://mirror.test/debian" } }), expected);
});
