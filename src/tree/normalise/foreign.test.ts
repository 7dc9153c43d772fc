import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "../../../test/support/memory-store.ts";
import { draftOf, finish, putFile, putSymlink } from "../draft.ts";
import type { Draft } from "../draft.ts";
import { requireMachine } from "./foreign.ts";

const FILE = { mode: 0o644, uid: 0, gid: 0 } as const;
const STATUS =
  "Package: systemd\nStatus: install ok installed\nProvides: something (= 1), other\n\nPackage: gone\nStatus: deinstall ok config-files\n";

/** A small Debian that has what a machine needs. */
function debian(change: (draft: Draft) => void = () => {}): () => void {
  const store = memoryStore();
  const draft = draftOf({ mtime: 0, nodes: new Map([["/", { ...FILE, kind: "directory", mode: 0o755 }]]) }, store);
  putFile(draft, "/usr/lib/os-release", 'NAME="Debian"\nID=debian\n', FILE);
  putFile(draft, "/var/lib/dpkg/status", STATUS, FILE);
  putFile(draft, "/var/lib/dpkg/info/systemd.list", "/.\n/bin/mount\n/usr/bin/sudo\n", FILE);
  putFile(draft, "/usr/bin/mount", "x", { ...FILE, mode: 0o4755 });
  putFile(draft, "/boot/vmlinuz-6.12", "kernel", FILE);
  for (const name of ["bin", "sbin", "lib"]) putSymlink(draft, `/${name}`, `usr/${name}`);
  change(draft);
  return () => requireMachine(finish(draft), store, { packages: ["systemd", "other"], privileged: ["/opt/allowed"] });
}

test("a Debian with the packages, provided ones among them, and a kernel can become a machine", () => {
  debian()();
  debian((draft) => putFile(draft, "/usr/lib/os-release", 'ID=raspbian\nID_LIKE="debian"\n', FILE))();
  debian((draft) => putFile(draft, "/opt/allowed", "x", { ...FILE, mode: 0o2755 }))();
});

const lacking: readonly (readonly [name: string, change: (draft: Draft) => void, code: string, message: RegExp])[] = [
  ["another distribution", (draft) => putFile(draft, "/usr/lib/os-release", "ID=alpine\n", FILE), "E_IMPORT_DISTRIBUTION", /"alpine"/],
  [
    "no database of packages",
    (draft) => void draft.nodes.delete("/var/lib/dpkg/status"),
    "E_IMPORT_DISTRIBUTION",
    /no \/var\/lib\/dpkg\/status/,
  ],
  [
    "an own /bin",
    (draft) => void draft.nodes.set("/bin", { ...FILE, kind: "directory" }),
    "E_IMPORT_DISTRIBUTION",
    /\/bin of the image is no link/,
  ],
  [
    "a package that was removed",
    (draft) => putFile(draft, "/var/lib/dpkg/status", STATUS.replace("ok installed", "ok unpacked"), FILE),
    "E_IMPORT_PACKAGES",
    /systemd other$|other systemd$/,
  ],
  ["no kernel", (draft) => void draft.nodes.delete("/boot/vmlinuz-6.12"), "E_IMPORT_NO_KERNEL", /no kernel/],
  [
    "a setuid program of nobody",
    (draft) => putFile(draft, "/opt/su", "x", { ...FILE, mode: 0o4755 }),
    "E_IMPORT_PRIVILEGED",
    /1 program with[^]*\/opt\/su/,
  ],
  ["a setgid program of nobody", (draft) => putFile(draft, "/opt/sg", "x", { ...FILE, mode: 0o2755 }), "E_IMPORT_PRIVILEGED", /\/opt\/sg/],
  [
    "a program of nobody with capabilities",
    (draft) => putFile(draft, "/opt/cap", "x", { ...FILE, xattrs: new Map([["security.capability", "\x01"]]) }),
    "E_IMPORT_PRIVILEGED",
    /\/opt\/cap/,
  ],
];

for (const [name, change, code, message] of lacking)
  test(`an image with ${name} is refused`, () => {
    assert.throws(debian(change), { code, message });
  });
