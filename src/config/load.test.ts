import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { AshlarError } from "#errors";
import type { SystemInput } from "./input.ts";
import { loadSystem } from "./load.ts";
import type { LoadedSystem } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-config-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

/** Loads a text as a file with this ending. */
async function load(ending: "json" | "yaml", text: string): Promise<LoadedSystem> {
  const path = join(folder, `system-${++count}.${ending}`);
  writeFileSync(path, text);
  return loadSystem(path);
}

const loadInput = (input: SystemInput): Promise<LoadedSystem> => load("json", JSON.stringify(input));

/** The error without the folder's name; undefined when there was none. */
async function refusal(loading: Promise<LoadedSystem>): Promise<{ code: string; message: string } | undefined> {
  try {
    await loading;
  } catch (error) {
    assert.ok(error instanceof AshlarError, String(error));
    return { code: error.code, message: error.message.replaceAll(/[^\s:]*\/system-\d+/g, "system") };
  }
  return undefined;
}

test("every default is filled in", async () => {
  const { system, digest } = await loadInput({ name: "web", ssh: true, users: { ada: { sudo: true } } });
  assert.equal(system.hostname, "web");
  assert.deepEqual(system.distribution, { name: "debian", suite: "trixie", architecture: "amd64", components: ["main"] });
  assert.deepEqual(system.packages, []);
  assert.deepEqual(system.kernel, { package: "linux-image-amd64", arguments: ["quiet"], initrdModules: [] });
  assert.equal(system.users["ada"]?.sudo, "nopassword");
  assert.deepEqual(system.network.interfaces["ethernet"], { match: "en* eth*", dhcp: "yes", addresses: [], gateway: [], dns: [] });
  assert.ok(system.state.etc.includes("machine-id") && system.state.etc.includes("ssh/ssh_host_ed25519_key.pub"));
  assert.match(digest, /^[0-9a-f]{64}$/);
});

test("the order of options, packages and users changes neither the value nor the digest", async () => {
  const one = await loadInput({ name: "a", packages: ["b1", "a1"], users: { bob: {}, ada: {} }, ssh: true });
  const two = await loadInput({ ssh: { enable: true }, users: { ada: {}, bob: {} }, packages: ["a1", "b1", "a1"], name: "a" });
  assert.equal(one.digest, two.digest);
  assert.equal(JSON.stringify(one.system), JSON.stringify(two.system));
});

test("YAML and JSON of the same options give the same digest", async () => {
  const yaml = await load("yaml", "name: a\nssh: true\nsysctl: {vm.swappiness: 10}\nfiles:\n  /etc/a: |\n    x\n    y\n");
  const json = await loadInput({ name: "a", ssh: true, sysctl: { "vm.swappiness": 10 }, files: { "/etc/a": "x\ny\n" } });
  assert.equal(yaml.digest, json.digest);
});

test("a unit starts with the machine when it says where; names without a type are services", async () => {
  const { system } = await loadInput({
    name: "a",
    units: { "a.service": "[Service]\nExecStart=/x\n", "b.service": "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n" },
    services: { enable: ["nginx", "a.timer"] },
  });
  assert.deepEqual([system.units["a.service"]?.enable, system.units["b.service"]?.enable], [false, true]);
  assert.deepEqual(system.services.enable, ["a.timer", "nginx.service"]);
});

test("local sources are named by digest and relative path, a folder file by file", async () => {
  mkdirSync(join(folder, "site/deep"), { recursive: true });
  writeFileSync(join(folder, "site/index.html"), "x");
  writeFileSync(join(folder, "site/deep/a.txt"), "y");
  const { system, sources } = await loadInput({ name: "a", files: { "/usr/share/web": { source: "site", mode: "600" } } });
  const sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
  assert.deepEqual(system.files["/usr/share/web/index.html"], {
    source: "site/index.html",
    sha256,
    mode: "0600",
    owner: "root",
    group: "root",
  });
  assert.deepEqual(Object.keys(system.files), ["/usr/share/web/deep/a.txt", "/usr/share/web/index.html"]);
  assert.equal(sources.get(sha256), join(folder, "site/index.html"));
});

test("a source outside the project is refused, also behind a link", async () => {
  symlinkSync("/etc/hostname", join(folder, "outside"));
  for (const source of ["/etc/hostname", "../../etc/hostname", "outside", "nothing"]) {
    const error = await refusal(loadInput({ name: "a", files: { "/etc/a": { source } } }));
    assert.equal(error?.code, "E_CONFIG_INVALID", source);
    assert.match(error.message, /files\["\/etc\/a"\]\.source: expected a file/);
  }
});

const wrong: readonly (readonly [input: Record<string, unknown>, message: RegExp])[] = [
  [{ nmae: "a" }, /^system.json:1:13: nmae: there is no such option \(did you mean `name`\?\)$/m],
  [{ ssh: 3 }, /ssh: expected true or false or an object of options, found 3/],
  [{ ssh: { port: 0 } }, /^system.json:1:20: ssh.port: expected a whole number from 1 to 65535, found 0$/],
  [{ packages: ["nginx=1.2"] }, /packages\[0\]: expected a package name.*found "nginx=1.2"/],
  [{ packages: "nginx" }, /packages: expected a list, found "nginx"/],
  [{ users: { "a b": {} } }, /users\["a b"\]: expected an account name.*found "a b"/],
  [{ users: { ada: { comment: "a:b" } } }, /users.ada.comment: expected one line without a colon/],
  [{ users: { ada: { uid: 0 } } }, /users.ada.uid: expected a number above 0 for everybody but root, found 0/],
  [{ users: { ada: { uid: 7 }, bob: { uid: 7 } } }, /users.bob.uid: expected a number of its own; another account has 7/],
  [{ hostname: "a\nb" }, /hostname: expected a host name.*found "a\\nb"/],
  [{ users: { ada: { shell: "/bin/sh\n[Service]" } } }, /users.ada.shell: expected a path without control characters/],
  [{ kernel: { arguments: ["quiet init=/bin/sh"] } }, /kernel.arguments\[0\]: expected one word/],
  [{ kernel: { arguments: ["init=/bin/sh"] } }, /kernel.arguments\[0\]: expected an argument that Ashlar does not set itself/],
  [{ sysctl: { "vm.x": "1\nkernel.y=2" } }, /sysctl\["vm.x"\]: expected one line of text/],
  [{ sysctl: { "vm.x = 1\n": "1" } }, /expected a kernel parameter/],
  [{ files: { "/etc/../usr/x": "a" } }, /expected a path without empty parts, `\.`, `\.\.` and a slash at the end/],
  [{ files: { "/proc/x": "a" } }, /expected a path outside \/proc/],
  [{ files: { "/etc/x": "a" }, links: { "/etc/x": "/y" } }, /links\["\/etc\/x"\]: expected a path that is used once; files has it too/],
  [{ files: { "/etc/x": "a", "/etc/x/y": "b" } }, /files\["\/etc\/x\/y"\]: expected a path in a folder; \/etc\/x is a file or link/],
  [{ files: { "/etc/x": { text: "a", source: "b" } } }, /expected either `text` or `source`, found both/],
  [{ files: { "/etc/x": { text: "a", mode: 420 } } }, /mode: expected permission bits.*found 420 \(write "0644" if you meant 0o644\)/],
  [{ units: { web: "[Service]" } }, /units.web: expected a unit name with its type/],
  [{ services: { enable: ["a"], mask: ["a.service"] } }, /services.mask: expected each unit in one list; a.service is in enable too/],
  [{ timezone: "europe/berlin" }, /timezone: expected a time zone.*\(did you mean "Europe\/Berlin"\?\)/],
  [{ network: { interfaces: { lan: { addresses: ["10.0.0.1"] } } } }, /addresses\[0\]: expected an address with its prefix length/],
  [{ mounts: { "/usr/x": { device: "tmpfs", type: "tmpfs" } } }, /expected a folder that Ashlar does not mount itself/],
  [{ mounts: { "/data": { type: "ext4" } } }, /mounts\["\/data"\].device: is missing; expected/],
  [{ state: { etc: ["/etc/foo"] } }, /state.etc\[0\]: expected a path relative to \/etc, found "\/etc\/foo" \(write "foo"\)/],
  [
    { state: { var: { "/var/lib/x": "stat" } } },
    /expected "state", "cache", "log" or "ephemeral", found "stat" \(did you mean "state"\?\)/,
  ],
  [{ health: { commands: [{ name: "a", command: ["true"] }] } }, /command\[0\]: expected the absolute path of a program, found "true"/],
  [{ updates: { root: "nowhere.json" } }, /updates.root: expected a file, found nothing at .*nowhere\.json/],
  [{ locale: null }, /locale: expected plain data, found null/],
];

for (const [input, message] of wrong)
  test(`${JSON.stringify(input)} is refused in words`, async () => {
    const error = await refusal(load("json", JSON.stringify({ name: "a", ...input })));
    assert.equal(error?.code, "E_CONFIG_INVALID");
    assert.match(error.message, message);
  });

test("updates.root takes root metadata that names two keys, and its text becomes part of the System", async () => {
  const root = (ids: string[]): string =>
    JSON.stringify({ signatures: [], signed: { _type: "root", roles: { root: { keyids: ids }, targets: { keyids: ids } } } });
  const path = join(folder, "trusting.json");
  writeFileSync(path, JSON.stringify({ name: "a", updates: { root: "1.root.json" } }));
  writeFileSync(join(folder, "1.root.json"), `${root(["a", "b"])}\n`);
  const { system, digest } = await loadSystem(path);
  assert.equal(system.updates.root, root(["a", "b"]));
  writeFileSync(join(folder, "1.root.json"), root(["a", "c"]));
  assert.notEqual((await loadSystem(path)).digest, digest);
  for (const [text, message] of [
    [root(["a"]), /at least 2 keys, found 1/],
    [root(["a", "a"]), /at least 2 keys, found 1/],
    ["{}", /expected root metadata, found something else/],
    ["no", /found no JSON/],
    [" ".repeat(70_000), /at most 65536 bytes/],
  ] as const) {
    writeFileSync(join(folder, "1.root.json"), text);
    const error = await refusal(loadSystem(path));
    assert.match(error?.message ?? "", message);
  }
});

test("a plain password and a private key are refused and never shown", async () => {
  const secret = "hunter2-and-more";
  for (const user of [{ passwordHash: secret }, { sshKeys: [`-----BEGIN OPENSSH PRIVATE KEY-----${secret}`] }]) {
    const path = join(folder, "secret.json");
    writeFileSync(path, JSON.stringify({ name: "a", users: { ada: user } }));
    await assert.rejects(loadSystem(path), (error) => {
      assert.ok(error instanceof AshlarError);
      assert.match(error.message, /openssl passwd -6|OpenSSH public key/);
      assert.ok(!JSON.stringify([error.message, error.hint, error.details]).includes(secret));
      return true;
    });
  }
});

test("several problems are listed together, ten at most, in the order of the file", async () => {
  const error = await refusal(load("json", JSON.stringify({ name: "A", packages: Array.from({ length: 12 }, (_, index) => `P${index}`) })));
  const lines = error?.message.split("\n") ?? [];
  assert.match(lines[0] ?? "", /^13 problems in /);
  assert.match(lines[1] ?? "", /name: expected/);
  assert.match(lines.at(-2) ?? "", /packages\[8\]/);
  assert.equal(lines.at(-1), "  … and 3 more");
});

const broken: readonly (readonly ["json" | "yaml", string, string])[] = [
  ["json", '{\n "name": "a",\n}', "system.json:3:1: Expected double-quoted property name"],
  ["json", '{\n "name": "a"', "system.json:2:13: Expected ',' or '}' after property value"],
  ["json", '{"name": "a", "ssh": {"port": 1, "port": 2}}', 'system.json:1:34: the key "port" is written twice'],
  ["yaml", "name: a\nname: b\n", "system.yaml:2:1: Map keys must be unique"],
  ["yaml", "name: &x a\nhostname: *x\n", "system.yaml:2:11: the alias *x is not allowed; write the value out, or use a system.ts"],
  ["yaml", "name: !!js/function 'a'\n", "system.yaml:1:7: Unresolved tag: tag:yaml.org,2002:js/function"],
  ["yaml", `name: ${"[".repeat(50_000)}`, "system.yaml:1:"],
];

for (const [ending, text, message] of broken)
  test(`broken ${ending}: ${JSON.stringify(text.slice(0, 40))} is named with line and column`, async () => {
    const error = await refusal(load(ending, text));
    assert.equal(error?.code, "E_CONFIG_SYNTAX");
    assert.ok(error.message.startsWith(message), error.message);
  });

for (const [text, message] of [
  [
    "name: a\nboot: {tries: 9007199254740993}",
    /^system.yaml:2:8: boot.tries: expected plain data, found the integer 9007199254740993, which is beyond/,
  ],
  ["name: a\nboot: {tries: .nan}", /^system.yaml:2:8: boot.tries: expected plain data, found NaN/],
  ["name: a\nusers: {__proto__: {uid: 1}}", /^system.yaml:2:1: users: __proto__ is not allowed as a name here/],
  ["name: a\n<<: {ssh: true}", /^system.yaml:2:1: \["<<"\]: there is no such option/],
  ["- a", /^system.yaml:?.*: the system: expected an object of options, found a list/],
] as const)
  test(`YAML: ${JSON.stringify(text)} is refused`, async () => {
    const error = await refusal(load("yaml", text));
    assert.equal(error?.code, "E_CONFIG_INVALID");
    assert.match(error.message, message);
  });

test("a missing config, and a file of another kind, say what to do", async () => {
  await assert.rejects(loadSystem(join(folder, "nothing.ts")), { code: "E_CONFIG_NOT_FOUND", hint: /ashlar init/ });
  writeFileSync(join(folder, "system.toml"), "");
  await assert.rejects(loadSystem(join(folder, "system.toml")), { code: "E_CONFIG_TYPE" });
});

test("whatever a JSON text holds, it is a system or an error that says where", async () => {
  const value = fc.anything({ key: fc.constantFrom("name", "users", "ssh", "files", "port", "text", "/etc/a"), maxDepth: 4 });
  await fc.assert(
    fc.asyncProperty(value, async (input) => {
      const text = JSON.stringify(input);
      if (text === undefined) return;
      const error = await refusal(load("json", text));
      if (error !== undefined) assert.match(error.code, /^E_CONFIG_/);
    }),
    { numRuns: 60 },
  );
});
