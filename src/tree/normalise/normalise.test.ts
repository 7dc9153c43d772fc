import assert from "node:assert/strict";
import test from "node:test";
import { memoryStore } from "../../../test/support/memory-store.ts";
import { draftOf, putDirectory, putFile, putSymlink, readText } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { applyLedger } from "../ids.ts";
import { relocateDatabase } from "./database.ts";
import { moveEnablement } from "./enablement.ts";
import { checkSensitive } from "./gate.ts";
import { relocateKernel } from "./kernel.ts";
import { classifyMutable } from "./mutable.ts";
import { renderAccounts } from "../render/accounts.ts";
import type { System } from "#config/system.ts";

const ROOT = { uid: 0, gid: 0 } as const;
const FILE = { ...ROOT, mode: 0o644 } as const;
const FOLDER = { ...ROOT, mode: 0o755 } as const;

function emptyDraft(): Draft {
  return draftOf({ mtime: 86400 * 100, nodes: new Map([["/", { kind: "directory", ...FOLDER }]]) }, memoryStore());
}

function withAccounts(): Draft {
  const draft = emptyDraft();
  putFile(
    draft,
    "/etc/passwd",
    "root:x:0:0::/root:/bin/sh\nzebra:x:121:122::/nonexistent:/bin/false\nants:x:120:121::/nonexistent:/bin/false\n",
    FILE,
  );
  putFile(draft, "/etc/group", "root:x:0:\nants:x:121:zebra,ants\nzebra:x:122:\n", FILE);
  putFile(draft, "/etc/shadow", "root:*:1:::::\nzebra:!:1:::::\nants:!:1:::::\n", { ...FILE, mode: 0o640 });
  putFile(draft, "/usr/bin/setgid", "x", { uid: 121, gid: 122, mode: 0o2755 });
  return draft;
}

test("new system accounts get the lowest free numbers in name order, and owners follow", () => {
  const draft = withAccounts();
  const ledger = applyLedger(draft, { users: {}, groups: {} });
  assert.deepEqual(ledger, { users: { ants: 101, zebra: 102 }, groups: { ants: 101, zebra: 102 } });
  assert.equal(readText(draft, "/etc/group"), "root:x:0:\nants:x:101:ants,zebra\nzebra:x:102:\n");
  const node = draft.nodes.get("/usr/bin/setgid");
  assert.ok(node?.kind === "file" && node.uid === 102 && node.gid === 102);
});

test("the ledger wins over what the scripts allocated, and numbers of names that are gone are not reused", () => {
  const draft = withAccounts();
  const ledger = applyLedger(draft, { users: { zebra: 700, gone: 101 }, groups: { zebra: 700, gone: 101 } });
  assert.deepEqual(ledger.users, { ants: 102, gone: 101, zebra: 700 });
  assert.match(readText(draft, "/etc/passwd") ?? "", /^ants:x:102:102:.*\nzebra:x:700:700:/m);
});

test("the account files do not tell in which order packages came", () => {
  const one = withAccounts();
  const other = withAccounts();
  putFile(
    other,
    "/etc/passwd",
    "root:x:0:0::/root:/bin/sh\nants:x:105:106::/nonexistent:/bin/false\nzebra:x:104:107::/nonexistent:/bin/false\n",
    FILE,
  );
  putFile(other, "/etc/group", "root:x:0:\nzebra:x:107:\nants:x:106:ants,zebra\n", FILE);
  putFile(other, "/etc/shadow", "root:*:1:::::\nants:!:1:::::\nzebra:!:1:::::\n", { ...FILE, mode: 0o640 });
  applyLedger(one, { users: {}, groups: {} });
  applyLedger(other, { users: {}, groups: {} });
  for (const path of ["/etc/passwd", "/etc/group", "/etc/shadow"]) assert.equal(readText(one, path), readText(other, path));
});

test("a person keeps the number of the ledger when a name that sorts before it is added", () => {
  const user = { comment: "", home: "/home/x", shell: "/bin/sh", groups: [], sshKeys: [], sudo: "no" } as const;
  const system = (users: System["users"]): System => ({ users, groups: {} }) as unknown as System;
  const first = renderAccounts(withAccounts(), system({ bob: user }), { users: {}, groups: {} });
  assert.deepEqual(first.users, { bob: 1000 });
  const draft = withAccounts();
  const second = renderAccounts(draft, system({ ada: user, bob: user }), first);
  assert.deepEqual(second.users, { ada: 1001, bob: 1000 });
  assert.match(readText(draft, "/etc/passwd") ?? "", /^bob:x:1000:1000:/m);
});

test("the kernel moves beside its modules and /boot is empty", () => {
  const draft = emptyDraft();
  putFile(draft, "/boot/vmlinuz-6.12", "kernel", FILE);
  putFile(draft, "/boot/System.map-6.12", "map", FILE);
  putDirectory(draft, "/usr/lib/modules/6.12", FOLDER);
  relocateKernel(draft);
  assert.equal(readText(draft, "/usr/lib/modules/6.12/vmlinuz"), "kernel");
  assert.deepEqual(
    [...draft.nodes.keys()].filter((path) => path.startsWith("/boot/")),
    [],
  );
});

test("enablement links move from /etc to /usr and stay relative", () => {
  const draft = emptyDraft();
  putSymlink(draft, "/etc/systemd/system/multi-user.target.wants/nginx.service", "/lib/systemd/system/nginx.service");
  putSymlink(draft, "/etc/systemd/system/sshd.service", "/usr/lib/systemd/system/ssh.service");
  moveEnablement(draft);
  assert.equal(target(draft, "/usr/lib/systemd/system/multi-user.target.wants/nginx.service"), "../nginx.service");
  assert.equal(target(draft, "/usr/lib/systemd/system/sshd.service"), "ssh.service");
  assert.ok(!draft.nodes.has("/etc/systemd/system/multi-user.target.wants"));
});

test("dpkg's database is sorted and lies in /usr", () => {
  const draft = emptyDraft();
  putFile(draft, "/var/lib/dpkg/status", "Package: b\nArchitecture: all\n\nPackage: a\nArchitecture: all\n\n", FILE);
  putFile(draft, "/var/lib/dpkg/status-old", "old", FILE);
  relocateDatabase(draft);
  assert.equal(readText(draft, "/usr/lib/sysimage/dpkg/status"), "Package: a\nArchitecture: all\n\nPackage: b\nArchitecture: all\n\n");
  assert.ok(!draft.nodes.has("/usr/lib/sysimage/dpkg/status-old"));
});

test("a file below /var that no rule knows fails the build with its name", () => {
  const draft = withAccounts();
  putFile(draft, "/var/lib/strange/data", "x", FILE);
  assert.throws(() => classifyMutable(draft, {}, new Set()), { code: "E_TREE_UNCLASSIFIED", message: /\/var\/lib\/strange\/data/ });
});

test("classified files become instructions for the machine and leave the image's /var empty", () => {
  const draft = withAccounts();
  putFile(draft, "/var/lib/strange/data", "x", FILE);
  putFile(draft, "/var/www/html/index.html", "site", FILE);
  putDirectory(draft, "/var/cache/app", { uid: 0, gid: 0, mode: 0o700 });
  classifyMutable(draft, { "/var/lib/strange": "state" }, new Set(["/var/www/html/index.html"]));
  const lines = (readText(draft, "/usr/lib/tmpfiles.d/00-ashlar.conf") ?? "").split("\n");
  assert.ok(lines.includes("C /var/lib/strange/data - - - - /usr/share/factory/var/lib/strange/data"));
  assert.ok(lines.includes("L+ /var/www/html/index.html - - - - /usr/share/factory/var/www/html/index.html"));
  assert.ok(lines.includes("d /var/lib/strange 0755 root root -"));
  assert.equal(readText(draft, "/usr/share/factory/var/www/html/index.html"), "site");
  assert.deepEqual(
    [...draft.nodes.keys()].filter((path) => path.startsWith("/var/")),
    [],
  );
});

test("a readable shadow file and a private key stop the build", () => {
  const draft = withAccounts();
  putFile(draft, "/etc/shadow", "root:*:1:::::\n", { ...FILE, mode: 0o644 });
  putFile(draft, "/etc/app/key.pem", "-----BEGIN RSA PRIVATE KEY-----\n", FILE);
  assert.throws(() => checkSensitive(draft), {
    code: "E_TREE_SENSITIVE",
    message: /\/etc\/shadow has mode 644[\s\S]*\/etc\/app\/key\.pem/,
  });
});

function target(draft: Draft, path: string): string | undefined {
  const node = draft.nodes.get(path);
  return node?.kind === "symlink" ? node.target : undefined;
}
