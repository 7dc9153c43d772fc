/** Adopting what a machine has into configs as people write them: every language, comments, merges, sources. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { loadSystem } from "#config/load.ts";
import type { ExportItem, ExportNode } from "#drift/export.ts";
import { AshlarError } from "#errors";
import { adoptDrift } from "./adopt.ts";
import type { AdoptResult } from "./adopt.ts";

const home = mkdtempSync(join(tmpdir(), "ashlar-adopt-test-"));
after(() => rmSync(home, { recursive: true }));
let count = 0;

const accounts = { passwd: "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n", group: "root:x:0:\nwww-data:x:33:\n" };

interface Project {
  readonly config: string;
  readonly folder: string;
}

function project(name: string, text: string, others: Readonly<Record<string, string>> = {}): Project {
  const folder = join(home, String(++count));
  mkdirSync(folder);
  for (const [file, content] of Object.entries({ [name]: text, ...others })) writeFileSync(join(folder, file), content);
  return { config: join(folder, name), folder };
}

function file(content: string | Buffer, part: Partial<Extract<ExportNode, { type: "file" }>> = {}): ExportNode {
  return {
    type: "file",
    mode: "0644",
    owner: "root",
    group: "root",
    uid: 0,
    gid: 0,
    content: Buffer.from(content).toString("base64"),
    xattrs: [],
    ...part,
  };
}

const changed = (name: string, node: ExportNode, change = "changed"): ExportItem => ({ kind: "file", name, change, node });

function adopt({ config }: Project, ...items: ExportItem[]): Promise<AdoptResult> {
  return adoptDrift({ config, drift: { version: 1, name: "web", image: "0", items, accounts } });
}

async function refusal(adopting: Promise<unknown>): Promise<AshlarError> {
  const error = await adopting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AshlarError, String(error));
  return error;
}

const TS = `import { defineSystem } from "ashlar";

// The web server of the lab.
export default defineSystem({
  name: "web", // unique
  packages: ["nginx-light"],
  files: {
    // What people see first.
    "/etc/motd": "Hello.\\n", // short
    "/etc/secret": { text: "x\\n", mode: "0600" },
  },
});
`;

test("a text of system.ts changes where it is written, and every comment stays", async () => {
  const web = project("system.ts", TS);
  const { diff, written } = await adopt(web, changed("/etc/motd", file("Hello.\nMaintenance at `noon` for ${5}.\n")));
  assert.deepEqual(written, ["system.ts"]);
  assert.equal(
    readFileSync(web.config, "utf8"),
    TS.replace('"Hello.\\n", // short', "`Hello.\nMaintenance at \\`noon\\` for \\${5}.\n`, // short"),
  );
  assert.match(diff, /^--- before\n\+\+\+ after\n@@ /);
});

test("what the config has not gets an entry of its own, with mode and owner, in the style of its neighbours", async () => {
  const web = project("system.ts", TS);
  await adopt(web, changed("/etc/nginx/conf.d/a.conf", file("a;\n", { mode: "0640", group: "www-data", gid: 33 }), "added"));
  assert.equal(
    readFileSync(web.config, "utf8"),
    TS.replace(
      'mode: "0600" },\n',
      'mode: "0600" },\n    "/etc/nginx/conf.d/a.conf": { text: "a;\\n", mode: "0640", group: "www-data" },\n',
    ),
  );
});

test("an object keeps the keys that are still right and loses the others", async () => {
  const web = project("system.ts", TS);
  await adopt(web, changed("/etc/secret", file("y\n")));
  assert.match(readFileSync(web.config, "utf8"), /"\/etc\/secret": \{ text: "y\\n" \},\n/);
});

test("links, units, kernel parameters and arguments get their options", async () => {
  const web = project("system.ts", TS);
  const unit = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
  await adopt(
    web,
    changed("/etc/localtime", { type: "symlink", target: "/usr/share/zoneinfo/Europe/Rome" }),
    { kind: "unit", name: "cups.service", change: "masked", unit },
    { kind: "unit", name: "extra.timer", change: "enabled", unit },
    { kind: "sysctl", name: "vm.swappiness", change: "changed", value: "10" },
    { kind: "kernel", name: "debug", change: "added" },
    {
      kind: "unit",
      name: "nginx.service",
      change: "edited",
      path: "/run/systemd/system/nginx.service.d/override.conf",
      node: file("[Service]\nNice=5\n"),
    },
  );
  const { system } = await loadSystem(web.config);
  assert.deepEqual(system.links, { "/etc/localtime": "/usr/share/zoneinfo/Europe/Rome" });
  assert.deepEqual(system.services, { enable: ["extra.timer"], disable: [], mask: ["cups.service"] });
  assert.deepEqual(system.sysctl, { "vm.swappiness": "10" });
  assert.equal(system.files["/etc/systemd/system/nginx.service.d/override.conf"]?.text, "[Service]\nNice=5\n");
  assert.ok(system.kernel.arguments.includes("debug"));
});

test("a unit that is masked on the machine leaves the list that enabled it", async () => {
  const web = project("system.yaml", "name: web\nservices:\n  # The web.\n  enable: [nginx, cron]\n");
  const unit = "[Install]\nWantedBy=multi-user.target\n";
  await adopt(web, { kind: "unit", name: "nginx.service", change: "masked", unit });
  assert.equal(readFileSync(web.config, "utf8"), "name: web\nservices:\n  # The web.\n  enable: [cron]\n  mask:\n    - nginx.service\n");
});

test("a file with a local source changes that source, and the config stays as it is", async () => {
  const text = `import { defineSystem } from "ashlar";\nexport default defineSystem({ name: "web", files: { "/usr/share/web": { source: "site" } } });\n`;
  const web = project("system.ts", text);
  mkdirSync(join(web.folder, "site"));
  writeFileSync(join(web.folder, "site/index.html"), "<h1>old</h1>");
  const { written } = await adopt(web, changed("/usr/share/web/index.html", file("<h1>new</h1>")));
  assert.deepEqual(written, ["site/index.html"]);
  assert.equal(readFileSync(join(web.folder, "site/index.html"), "utf8"), "<h1>new</h1>");
  assert.equal(readFileSync(web.config, "utf8"), text);
});

test("bytes that are no text go into a file beside the config", async () => {
  const web = project("system.ts", TS);
  const bytes = Buffer.from([0, 255, 10, 13]);
  const { written } = await adopt(web, changed("/etc/blob", file(bytes, { mode: "0755" }), "added"));
  assert.deepEqual(written, ["system.ts", "files/etc/blob"]);
  assert.deepEqual(readFileSync(join(web.folder, "files/etc/blob")), bytes);
});

test("what an imported part declares is overridden in the system's own file", async () => {
  const web = project(
    "system.ts",
    `import { merge } from "ashlar";\nimport { common } from "./common.ts";\n\nexport default merge(common, {\n  name: "web",\n});\n`,
    { "common.ts": `export const common = { files: { "/etc/motd": "Common.\\n" } };\n` },
  );
  await adopt(web, changed("/etc/motd", file("Mine.\n")));
  assert.equal(
    readFileSync(web.config, "utf8"),
    `import { merge, override } from "ashlar";\nimport { common } from "./common.ts";\n\nexport default merge(common, {\n  name: "web",\n  files: { "/etc/motd": override("Mine.\\n") },\n});\n`,
  );
  assert.equal(readFileSync(join(web.folder, "common.ts"), "utf8"), `export const common = { files: { "/etc/motd": "Common.\\n" } };\n`);
});

test("what cannot be proven is not written, and the error says why", async () => {
  const text = `import { defineSystem } from "ashlar";\nconst make = () => ({ name: "web", files: Object.fromEntries([["/etc/motd", "x\\n"]]) });\nexport default defineSystem(make());\n`;
  const web = project("system.ts", text);
  const error = await refusal(adopt(web, changed("/etc/motd", file("y\n"))));
  assert.equal(error.code, "E_ADOPT_UNPROVEN");
  assert.match(error.message, /nothing was written:\n  its text has no place where that could be written/);
  assert.equal(readFileSync(web.config, "utf8"), text);
  assert.deepEqual(readdirSync(web.folder), ["system.ts"]);
});

test("secrets, attributes, accounts and packages' files are refused with what to do instead", async () => {
  const web = project("system.ts", TS);
  const refused: readonly [ExportItem, string, RegExp][] = [
    [{ ...changed("/etc/key.pem", file("")), withheld: true }, "E_DRIFT_SECRET", /state\.etc.*--secrets/],
    [changed("/etc/x", file("", { xattrs: ["user.a"] })), "E_DRIFT_CANNOT_ADOPT", /undefined/],
    [changed("/etc/passwd", file("")), "E_DRIFT_CANNOT_ADOPT", /users and groups/],
    [{ kind: "file", name: "/etc/nginx/nginx.conf", change: "removed" }, "E_DRIFT_CANNOT_ADOPT", /without the package/],
    [{ kind: "user", name: "bob", change: "added" }, "E_DRIFT_CANNOT_ADOPT", /under users/],
    [{ kind: "unit", name: "a.service", change: "failed", unit: "" }, "E_DRIFT_CANNOT_ADOPT", /systemctl restart a\.service/],
  ];
  for (const [item, code, hint] of refused) {
    const error = await refusal(adopt(web, item));
    assert.equal(error.code, code, item.name);
    assert.match(String(error.hint), hint, item.name);
  }
  assert.equal(readFileSync(web.config, "utf8"), TS);
});

test("an entry whose file was removed on the machine leaves the config", async () => {
  for (const [name, text] of [
    ["system.ts", TS],
    ["system.json", `{\n  "name": "web",\n  "files": {\n    "/etc/a": "a",\n    "/etc/motd": "m"\n  }\n}\n`],
    ["system.yaml", `name: web\nfiles:\n  /etc/motd: m\n  # last\n  /etc/a: a\n`],
  ] as const) {
    const web = project(name, text);
    await adopt(web, { kind: "file", name: "/etc/motd", change: "removed" });
    const { system } = await loadSystem(web.config);
    assert.equal("/etc/motd" in system.files, false, name);
    assert.equal(Object.keys(system.files).length, 1, name);
  }
});

test("the config of another machine is refused, and a dry run writes nothing", async () => {
  const web = project("system.ts", TS);
  const drift = { version: 1, name: "other", image: "0", items: [changed("/etc/motd", file("x\n"))], accounts } as const;
  assert.equal((await refusal(adoptDrift({ config: web.config, drift }))).code, "E_ADOPT_OTHER_SYSTEM");
  const result = await adoptDrift({ config: web.config, drift, otherSystem: true, dryRun: true });
  assert.match(result.diff, /\+ {4}"\/etc\/motd": "x\\n", \/\/ short/);
  assert.equal(readFileSync(web.config, "utf8"), TS);
});

const YAML = `# The lab.
name: web
ssh: true   # for us
files:
  # What people see first.
  /etc/motd: |
    Hello.
  "/etc/other": {text: "x", mode: "0600"}
`;

const JSON_TEXT = `{
  "name": "web",
  "files": { "/etc/motd": "Hello.\\n", "/etc/other": { "text": "x", "mode": "0600" } },
  "ssh": true
}
`;

const content = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }).map((text) => Buffer.from(text)),
  fc
    .string({
      unit: fc.constantFrom("a", " ", "\n", "\t", "\r", "'", '"', "`", "$", "{", "\\", "#", ":", "-", "\u2028", "ü"),
      maxLength: 40,
    })
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.alloc(5000, "line\n")),
);

for (const [name, text] of [
  ["system.ts", TS],
  ["system.yaml", YAML],
  ["system.json", JSON_TEXT],
] as const)
  test(`any content and mode, adopted into ${name}, renders as the same bytes, and comments stay`, async () => {
    const node = fc.record({
      path: fc.constantFrom("/etc/motd", "/etc/new", "/etc/other", "/usr/local/bin/tool"),
      bytes: content,
      mode: fc.integer({ min: 0, max: 0o7777 }).map((mode) => mode.toString(8).padStart(4, "0")),
      web: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 3 }), async (nodes) => {
        const web = project(name, text);
        const last = new Map(nodes.map((each) => [each.path, each]));
        const items = [...last.values()].map(({ path, bytes, mode, web: isWeb }) =>
          changed(path, file(bytes, { mode, ...(isWeb ? { owner: "www-data", uid: 33 } : {}) })),
        );
        // The proof is the product's own; that it was one is checked by reading what was written.
        await adopt(web, ...items);
        const { system, sources } = await loadSystem(web.config);
        for (const { path, bytes, mode, web: isWeb } of last.values()) {
          const spec = system.files[path];
          const rendered = spec?.text === undefined ? readFileSync(sources.get(spec?.sha256 ?? "") ?? "") : Buffer.from(spec.text);
          assert.deepEqual(rendered, bytes);
          assert.deepEqual([spec?.mode, spec?.owner], [mode, isWeb ? "www-data" : "root"]);
        }
        const now = readFileSync(web.config, "utf8");
        for (const comment of text.match(/(\/\/|# ).*/g) ?? []) assert.ok(now.includes(comment), comment);
        rmSync(web.folder, { recursive: true });
      }),
      // A system.ts is evaluated in a process of its own.
      { numRuns: name === "system.ts" ? 3 : 40 },
    );
  });
