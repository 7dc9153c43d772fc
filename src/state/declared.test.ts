import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { SYSTEM } from "../../test/support/lock-fixture.ts";
import { declaredPaths } from "./declared.ts";
import type { DeclaredPath } from "./declared.ts";
import { mountedRoot } from "./root-reader.ts";
import { unknownState } from "./unknown.ts";

const root = mkdtempSync(join(tmpdir(), "ashlar-state-"));
after(() => rmSync(root, { recursive: true }));

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

const USER = { comment: "", home: "/home/ada", shell: "/bin/sh", groups: [], sshKeys: [], sudo: "no" } as const;
const system = {
  ...SYSTEM,
  users: { ada: USER },
  state: {
    ...SYSTEM.state,
    var: { "/var/lib/app": "cache", "/var/lib/deep/inside": "state" },
    schemas: { "db.service": { paths: ["/var/lib/db"], version: 2, snapshot: true } },
  },
} as const;

put(
  "/usr/lib/tmpfiles.d/00-ashlar.conf",
  "# made\nd /var/lib 0755 root root -\nd /var/lib/nginx 0755 root root -\nd /var/lib/shared 0755 root root -\nC /var/www/index.html - - - -\n",
);
put(
  "/usr/lib/tmpfiles.d/nginx.conf",
  "d /var/log/nginx 0755 root root -\nd! /var/lib/nginx 0700 www www -\nR /var/lib/gone\nd /var/cache/%i\n",
);
put("/usr/lib/tmpfiles.d/later.conf", "z /var/lib/shared 0755 root root -\n");
put("/usr/lib/sysimage/dpkg/info/later.list", "/usr/lib/tmpfiles.d/later.conf\n");
put("/usr/lib/systemd/system/dynamic.service", "[Service]\nDynamicUser=yes\nStateDirectory=dynamic\n");
put("/usr/lib/systemd/system/app.service", "[Service]\nStateDirectory=app %N/more\nLogsDirectory=app:alias\n");
put("/usr/lib/sysimage/dpkg/info/nginx-common.list", "/var\n/var/lib\n/var/lib/nginx\n/usr/lib/tmpfiles.d/nginx.conf\n");
put("/usr/lib/sysimage/dpkg/info/base-files.list", "/var\n/var/lib\n");

const declared = declaredPaths(mountedRoot(root), system, ["/var/lib/mine"]);
const at = (path: string): DeclaredPath | undefined => declared.find((item) => item.path === path);

test("packages, units, the config and the machine declare paths, each with its owner and class", () => {
  assert.deepEqual(at("/var/lib/nginx"), {
    path: "/var/lib/nginx",
    class: "state",
    by: "tmpfiles.d/00-ashlar.conf",
    package: "nginx-common",
  });
  assert.deepEqual(at("/var/log/nginx"), { path: "/var/log/nginx", class: "log", by: "tmpfiles.d/nginx.conf", package: "nginx-common" });
  assert.deepEqual(at("/var/log/app"), { path: "/var/log/app", class: "log", by: "app.service", service: "app.service" });
  assert.deepEqual(at("/var/lib/app/more"), { path: "/var/lib/app/more", class: "state", by: "app.service", service: "app.service" });
  assert.deepEqual(at("/var/lib/db"), { path: "/var/lib/db", class: "state", by: "state.schemas", service: "db.service" });
  assert.equal(at("/var/lib/mine")?.by, "ashlar state keep");
});

test("a package that only adjusts a path is its owner when no other is known; a dynamic user's folder has two names", () => {
  assert.equal(at("/var/lib/shared")?.package, "later");
  assert.equal(at("/var/lib/private/dynamic")?.service, "dynamic.service");
  assert.equal(at("/var/lib/private/app"), undefined);
});

test("the config decides the class of what a unit asks for, and the unit stays its owner", () => {
  assert.deepEqual(at("/var/lib/app"), { path: "/var/lib/app", class: "cache", by: "state.var", service: "app.service" });
});

test("folders that only hold others, lines that only remove, and specifiers declare nothing", () => {
  for (const path of ["/var/lib", "/var/lib/gone", "/var/cache/%i"]) assert.equal(at(path), undefined, path);
});

test("what nothing declares is listed at its outermost path, with its size, and nothing else is", () => {
  put("/var/lib/nginx/cache/file", "x");
  put("/var/lib/deep/inside/file", "x");
  put("/var/lib/deep/beside", "x".repeat(5000));
  put("/var/lib/mystery/a", "x");
  put("/var/lib/mystery/b/c", "x");
  put("/var/www/index.html", "x");
  put("/home/ada/file", "x");
  put("/home/eve/file", "x");
  put("/srv/anything", "x");
  const found = unknownState(root, declared);
  assert.deepEqual(
    found.map(({ path, files }) => [path, files]),
    [
      ["/home/eve", 1],
      ["/var/lib/deep/beside", 1],
      ["/var/lib/mystery", 2],
    ],
  );
  assert.equal(found[1]?.bytes, 8192);
  assert.ok(Math.abs((found[2]?.changed ?? 0) - Date.now() / 1000) < 60);
});
