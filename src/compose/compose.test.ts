import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { renderDumpfile } from "#formats/composefs/dumpfile.ts";
import { readImage } from "#formats/erofs/reader.ts";
import type { AshlarError } from "#errors";
import type { Image } from "#image/image.ts";
import type { Store } from "#store/store.ts";
import { fixtureImage } from "../../test/support/compose-fixture.ts";
import type { FixtureImage, FixturePackage } from "../../test/support/compose-fixture.ts";
import { memoryStore } from "../../test/support/memory-store.ts";
import { compose } from "./compose.ts";
import type { Composition } from "./compose.ts";
import { openRoot } from "./root.ts";

const web = (version: string, extra: Partial<FixturePackage> = {}): FixturePackage => ({
  name: "web",
  version,
  source: "web",
  fields: "Depends: libz (>= 1)",
  files: {
    "/usr/sbin/web": `web ${version}`,
    "/usr/lib/systemd/system/web.service": "[Service]\nExecStart=/usr/sbin/web\n[Install]\nWantedBy=multi-user.target\n",
    "/etc/web/conf.d/": "",
    "/var/lib/web/": "",
  },
  ...extra,
});
const libz = (version: string): FixturePackage => ({
  name: "libz",
  version,
  files: { "/usr/lib/libz.so.1": `libz ${version} ${"z".repeat(80)}` },
});
const tool: FixturePackage = { name: "tool", version: "1", files: { "/usr/bin/tool": "tool" } };

test("an option comes from the older generation, and the result is what a build of that config is", () => {
  const packages = [web("2"), libz("1"), tool];
  same(
    { packages, config: { files: { "/etc/motd": "new", "/opt/x/y": "y" }, sysctl: { a: 1, b: 2, d: 4 }, hostname: "new" } },
    { packages, config: { files: { "/etc/motd": "old" }, sysctl: { b: 3, c: 3 }, hostname: "old" } },
    {
      parts: ["files./etc/motd", "files./opt/x/y", "sysctl.b", "sysctl.c", "sysctl.d"],
      composed: { packages, config: { files: { "/etc/motd": "old" }, sysctl: { a: 1, b: 3, c: 3 }, hostname: "new" } },
    },
  );
});

test("a service goes back with its packages, its config and its probes; the rest stays", () => {
  const config = (age: string) => ({
    files: { "/etc/motd": age, [`/etc/web/conf.d/${age}.conf`]: age },
    services: { enable: ["web"] },
    health: { units: age === "old" ? ["web"] : [] },
  });
  same(
    { packages: [web("2"), libz("2"), tool], config: config("new") },
    { packages: [web("1"), libz("1"), tool], config: config("old") },
    {
      parts: ["services.web"],
      composed: {
        packages: [web("1"), libz("2"), tool],
        config: {
          files: { "/etc/motd": "new", "/etc/web/conf.d/old.conf": "old" },
          services: { enable: ["web"] },
          health: { units: ["web"] },
        },
      },
    },
  );
});

test("a user goes back with keys, groups, rights and password", () => {
  const user = (age: string) => ({
    comment: age,
    sshKeys: [`ssh-ed25519 AAAA${age}`],
    groups: age === "old" ? ["sudo"] : [],
    sudo: age === "old",
    passwordHash: `$6$${age}`,
  });
  const packages = [tool];
  const config = (ada: string) => ({ users: { ada: user(ada), zoe: user("new") } });
  same(
    { packages, config: config("new") },
    { packages, config: { users: { ada: user("old"), zoe: user("old") } } },
    { parts: ["users.ada"], composed: { packages, config: config("old") } },
  );
  same(
    { packages, config: { users: { ada: user("new"), zoe: user("new") } } },
    { packages, config: { users: { ada: user("new") } } },
    { parts: ["users.zoe"], composed: { packages, config: { users: { ada: user("new") } } } },
  );
});

test("the kernel goes back with its modules, its initrd and its arguments", () => {
  const kernel = (version: string): FixturePackage[] => [
    { name: `linux-image-${version}`, version, files: { [`/usr/lib/modules/${version}/kernel/x.ko`]: version } },
    { name: "linux-image-cloud-amd64", version, fields: `Depends: linux-image-${version} (= ${version})` },
  ];
  const made = (version: string) => ({
    [`/usr/lib/modules/${version}/modules.dep`]: `x ${version}`,
    [`/usr/lib/modules/${version}/vmlinuz`]: `vmlinuz ${version}`,
  });
  const config = (argument: string, motd: string) => ({
    kernel: { package: "linux-image-cloud-amd64", arguments: ["quiet", argument] },
    files: { "/etc/motd": motd },
  });
  const composition = same(
    { packages: [...kernel("6.2"), tool], made: made("6.2"), config: config("new=1", "new"), kernel: "6.2" },
    { packages: [...kernel("6.1"), tool], made: made("6.1"), config: config("old=1", "old"), kernel: "6.1" },
    {
      parts: ["kernel"],
      composed: { packages: [...kernel("6.1"), tool], made: made("6.1"), config: config("old=1", "new"), kernel: "6.1" },
    },
  );
  assert.deepEqual(composition.image.kernel?.arguments, ["quiet", "old=1"]);
  assert.deepEqual(composition.packages, [
    { name: "linux-image-6.1", from: null, to: "6.1" },
    { name: "linux-image-6.2", from: "6.2", to: null },
    { name: "linux-image-cloud-amd64", from: "6.2", to: "6.1" },
  ]);
});

test("packages that would not fit are refused with the parts that would have to come along", () => {
  const newer = { packages: [web("2", { fields: "Depends: libz (>= 2)" }), libz("2")], config: {} };
  const older = { packages: [web("1", { fields: "Depends: libz (<< 2)" }), libz("1")], config: {} };
  const error = refused(newer, older, ["packages.web"]);
  assert.equal(error.code, "E_COMPOSE_DEPENDS");
  assert.equal(error.message, "web 1 needs libz (<< 2), and libz is 2");
  assert.match(error.hint ?? "", /^add to --only: packages\.libz;/);
  same(newer, older, { parts: ["packages.web", "packages.libz"], composed: older });
});

test("what breaks or excludes another package is refused", () => {
  const newer = { packages: [web("2"), libz("2"), { ...tool, fields: "Breaks: web (<< 2)" }], config: {} };
  const error = refused(newer, { packages: [web("1"), libz("1"), tool], config: {} }, ["packages.web"]);
  assert.equal(error.code, "E_COMPOSE_DEPENDS");
  assert.equal(error.message, "tool 1 breaks web (<< 2), and web is 1");
});

test("a package's accounts with other numbers are refused", () => {
  const owned = (id: number): FixtureImage => ({
    packages: [web(String(id)), libz("1")],
    accounts: [`web:x:${id}:${id}::/:/bin/false`],
    config: { directories: { "/etc/web/keys": { owner: "web", mode: id === 902 ? "0700" : "0750" } } },
  });
  assert.equal(refused(owned(902), owned(901), ["services.web"]).code, "E_COMPOSE_IDS");
});

test("a package that needs an account which this generation does not have is refused", () => {
  const postinst = "#!/bin/sh\nadduser --system tooluser\n";
  const older: FixtureImage = {
    packages: [web("1"), libz("1"), { ...tool, postinst }],
    accounts: ["tooluser:x:901:901::/:/bin/false"],
    config: {},
  };
  const error = refused({ packages: [web("1"), libz("1")], config: {} }, older, ["packages.tool"]);
  assert.equal(error.code, "E_COMPOSE_IDS");
  assert.equal(error.message, "tool needs the account tooluser, which this generation does not have (/etc/passwd)");
});

test("a package that the config enables goes back with its unit's file, and starts as the config of this generation says", () => {
  const unit = (version: string): FixturePackage => {
    const text = `[Service]\nExecStart=/usr/sbin/web ${version}\n[Install]\nWantedBy=multi-user.target\n`;
    return web(version, { files: { ...web(version).files, "/usr/lib/systemd/system/web.service": text } });
  };
  const config = { services: { enable: ["web"] } };
  const older = { packages: [unit("1"), libz("1")], config: {} };
  same({ packages: [unit("2"), libz("1")], config }, older, {
    parts: ["packages.web"],
    composed: { packages: [unit("1"), libz("1")], config },
  });
});

test("the version of a service's data goes back with the service; data that lies elsewhere cannot", () => {
  const image = (version: number, path = "/var/lib/web"): FixtureImage => ({
    packages: [web(String(version)), libz("1")],
    config: { services: { enable: ["web"] }, state: { schemas: { "web.service": { paths: [path], version } } } },
  });
  same(image(2), image(1), { parts: ["services.web"], composed: image(1) });
  assert.equal(refused(image(2), image(1, "/var/lib/elsewhere"), ["services.web"]).code, "E_COMPOSE_PART");
});

test("a file that a script of the package made and that differs is refused", () => {
  const script = "#!/bin/sh\nmake >/usr/share/made/index\n";
  const image = (version: string): FixtureImage => ({
    packages: [web(version, { postinst: script }), libz("1"), { ...tool, files: { "/usr/share/made/": "" } }],
    made: { "/usr/share/made/index": version },
    config: {},
  });
  const error = refused(image("2"), image("1"), ["packages.web"]);
  assert.equal(error.code, "E_COMPOSE_GENERATED");
  assert.match(error.message, /^\/usr\/share\/made\/index is in no package: web made it/);
});

test("a generated file comes from the image whose inputs are the composed ones, and mixed inputs are refused", () => {
  const terms = (name: string, version: string): FixturePackage => ({
    name,
    version,
    files: { [`/usr/share/mime/packages/${name}.xml`]: version },
  });
  const image = (a: string, b: string): FixtureImage => ({
    packages: [terms("a", a), terms("b", b), tool],
    made: { "/usr/share/mime/mime.cache": `${a} ${b}` },
    config: {},
  });
  same(image("2", "1"), image("1", "1"), { parts: ["packages.a"], composed: image("1", "1") });
  same(image("2", "2"), image("1", "1"), { parts: ["packages.a", "packages.b"], composed: image("1", "1") });
  assert.equal(refused(image("2", "2"), image("1", "1"), ["packages.a"]).code, "E_COMPOSE_GENERATED");
});

test("a package's own file that the config replaced in both images is not made up", () => {
  const original = (version: string): FixturePackage =>
    web(version, {
      files: { ...web(version).files, "/etc/web/main.conf": `main ${version}` },
      fields: `Depends: libz (>= 1)\nConffiles:\n /etc/web/main.conf ${"0".repeat(32)}`,
    });
  const packages = [original("1"), libz("1")];
  const error = refused(
    { packages: [original("2"), libz("1")], config: { files: { "/etc/web/main.conf": "mine" } } },
    { packages, config: {} },
    ["files./etc/web/main.conf"],
  );
  assert.equal(error.code, "E_COMPOSE_FILE");
});

test("names that mean nothing, and parts that do not differ, are refused with a hint", () => {
  const image = { packages: [web("1"), libz("1")], config: { hostname: "a" } };
  assert.equal(refused(image, image, ["hostname"]).code, "E_COMPOSE_SAME");
  for (const part of ["nonsense", "packages.nothing", "state.var", "users.nobody", "packages"]) {
    const { code, hint } = refused(image, image, [part]);
    assert.equal(code, "E_COMPOSE_PART", part);
    assert.ok(hint);
  }
  assert.equal(refused(image, image, ["services.nothing"]).code, "E_COMPOSE_ABSENT");
});

test("a value inside a user stands for the user only when nothing else of it differs", () => {
  const image = (shell: string, comment: string): FixtureImage => ({ packages: [tool], config: { users: { ada: { shell, comment } } } });
  same(image("/bin/b", "x"), image("/bin/a", "x"), { parts: ["users.ada.shell"], composed: image("/bin/a", "x") });
  assert.equal(refused(image("/bin/b", "x"), image("/bin/a", "y"), ["users.ada.shell"]).code, "E_COMPOSE_PART");
});

test("whatever options two configs have, composing gives the image that a build of the composed config gives", () => {
  const key = fc.constantFrom("a", "b", "c");
  const text = fc.constantFrom("1", "2", "3");
  const config = fc.record({
    sysctl: fc.dictionary(key, text),
    files: fc.dictionary(fc.constantFrom("/etc/a", "/etc/d/b", "/opt/c", "/etc/web/conf.d/x", "/srv/e/f"), text),
    links: fc.dictionary(fc.constantFrom("/etc/la", "/etc/l/b"), fc.constantFrom("/x", "/y")),
    users: fc.dictionary(key, fc.record({ comment: text, sudo: fc.boolean(), groups: fc.constantFrom(["sudo"], []), uid: fc.constant(0) })),
    mounts: fc.dictionary(fc.constantFrom("/mnt/a", "/mnt/b"), fc.record({ device: fc.constantFrom("x", "y"), type: fc.constant("ext4") })),
    hostname: text,
    timezone: fc.constantFrom("UTC", "Europe/Berlin"),
  });
  // Explicit numbers, so that they do not depend on who else there is.
  const numbered = (given: { readonly users: Record<string, object> }) => ({
    ...given,
    users: Object.fromEntries(Object.entries(given.users).map(([name, user]) => [name, { ...user, uid: 2000 + name.charCodeAt(0) }])),
  });
  fc.assert(
    fc.property(
      config,
      config,
      fc.subarray(["sysctl", "files", "links", "users", "mounts", "hostname", "timezone"] as const, { minLength: 1 }),
      (mine, theirs, parts) => {
        const [newer, older] = [numbered(mine), numbered(theirs)];
        const composed = { ...newer, ...Object.fromEntries(parts.map((part) => [part, (older as Record<string, unknown>)[part]])) };
        const packages = [web("1"), libz("1"), tool];
        const store = memoryStore();
        const [a, b, c] = [newer, older, composed].map((each) => fixtureImage(store, { packages, config: each })) as [Image, Image, Image];
        if (a.digest === c.digest) return;
        assert.equal(composeIn(store, a, b, parts).image.digest, c.digest);
      },
    ),
    { numRuns: 60 },
  );
});

/** Composes, and compares with the image that a build would make. */
function same(
  newer: FixtureImage,
  older: FixtureImage,
  { parts, composed }: { readonly parts: readonly string[]; readonly composed: FixtureImage },
): Composition {
  const store = memoryStore();
  const [a, b, c] = [newer, older, composed].map((image) => fixtureImage(store, image)) as [Image, Image, Image];
  const composition = composeIn(store, a, b, parts);
  const lines = (bytes: Buffer): string[] => renderDumpfile(readImage(bytes)).split("\n");
  const [mine, built] = [lines(composition.contents.get(composition.image.digest)!), lines(store.read(c.digest))];
  assert.deepEqual([mine.filter((line) => !built.includes(line)), built.filter((line) => !mine.includes(line))], [[], []]);
  assert.equal(composition.image.digest, c.digest);
  assert.equal(composition.image.kernel?.initrd, c.kernel?.initrd);
  for (const [object, content] of composition.contents) assert.deepEqual(store.read(object), content);
  return composition;
}

function composeIn(store: Store, newer: Image, older: Image, parts: readonly string[]): Composition {
  return compose({ newer: openRoot(newer, store), older: openRoot(older, store), parts, problemsOf: () => [] });
}

function refused(newer: FixtureImage, older: FixtureImage, parts: readonly string[]): AshlarError {
  const store = memoryStore();
  const [a, b] = [newer, older].map((image) => fixtureImage(store, image)) as [Image, Image];
  try {
    composeIn(store, a, b, parts);
  } catch (error) {
    return error as AshlarError;
  }
  throw new Error(`${parts.join(",")} was composed`);
}
