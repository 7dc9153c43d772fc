/** `system.ts` files that go wrong, each in its process, and the words that a person reads. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, describe, test } from "node:test";
import { loadSystem } from "#config/load.ts";
import { starterFiles } from "#config/starter.ts";
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "ashlar-evaluation-"));
after(() => rmSync(folder, { recursive: true }));

/** Writes a project and evaluates its `system.ts`; "code: message" of the error, paths below the project shortened. */
async function refusal(name: string, files: Readonly<Record<string, string>>, timeout?: number): Promise<string> {
  const project = join(folder, name);
  mkdirSync(project, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text);
  try {
    const { system } = await loadSystem(project, timeout === undefined ? {} : { timeout });
    return `evaluated: ${system.name}`;
  } catch (error) {
    if (!(error instanceof AshlarError)) throw error;
    // Messages name a file from where the command runs when that is shorter, and tests run wherever this repository is.
    const near = relative(process.cwd(), project);
    return `${error.code}: ${error.message}`.replaceAll(`${project}/`, "").replaceAll(`${near}/`, "").replaceAll(project, "<project>");
  }
}

const IMPORT = 'import { defineSystem, merge, override } from "ashlar";\n';

const cases: readonly {
  readonly name: string;
  readonly text: string;
  readonly says: string | RegExp;
  readonly common?: string;
  readonly timeout?: number;
}[] = [
  { name: "plain", text: `${IMPORT}export default defineSystem({ name: "a" satisfies string });`, says: "evaluated: a" },
  {
    name: "unknown option",
    text: `${IMPORT}export default defineSystem({\n  name: "a",\n  pakages: ["x"],\n});`,
    says: "E_CONFIG_INVALID: system.ts:4:3: pakages: there is no such option (did you mean `packages`?)",
  },
  {
    name: "wrong value in another file",
    common: "export const ssh = {\n  port: 0,\n};\n",
    text: `${IMPORT}import { ssh } from "./common.ts";\nexport default defineSystem({ name: "a", ssh });`,
    says: "E_CONFIG_INVALID: common.ts:2:3: ssh.port: expected a whole number from 1 to 65535, found 0",
  },
  {
    name: "conflict",
    common: 'export const common = { ssh: { port: 22 }, timezone: "UTC" };\n',
    text: `${IMPORT}import { common } from "./common.ts";\nexport default merge(common, {\n  name: "a",\n  ssh: { port: 2222 },\n});`,
    says: "E_CONFIG_CONFLICT: system.ts:3:16: merge found two values for ssh.port: 22 at common.ts:1:32 and 2222 at system.ts:5:10",
  },
  { name: "override", text: `${IMPORT}export default merge({ name: "a" }, { name: override("b") });`, says: "evaluated: b" },
  { name: "syntax", text: "const a = ;\n", says: "E_CONFIG_SYNTAX: system.ts:1:11: Expression expected" },
  {
    name: "enum",
    text: "enum X { A }\nexport default { name: 'a' };",
    says: /^E_CONFIG_SYNTAX: system\.ts:1:1: TypeScript enum is not supported in strip-only mode; only types may be TypeScript/,
  },
  {
    name: "missing module",
    text: 'import { x } from "./common";\nexport default x;',
    says: 'E_CONFIG_SYNTAX: system.ts:1:19: there is no module "./common" (an import names a file with its ending: "./common.ts")',
  },
  { name: "no export", text: `${IMPORT}export const system = { name: "a" };`, says: "E_CONFIG_INVALID: system.ts has no default export" },
  { name: "throws", text: "\nthrow new Error('no key');", says: "E_CONFIG_FAILED: system.ts:2:7: no key" },
  { name: "waits", text: "await new Promise(() => {});", says: "E_CONFIG_FAILED: system.ts awaits something that never comes" },
  { name: "loops", text: "for (;;);", says: "E_CONFIG_TIMEOUT: system.ts was not evaluated within 1.5 s", timeout: 1500 },
  {
    name: "grows",
    text: "const all = []; for (;;) all.push(new Array(1e6).fill(1.5));",
    says: "E_CONFIG_MEMORY: system.ts needs more than 256 MiB to evaluate",
    timeout: 60_000,
  },
  {
    name: "not plain",
    text: "export default { name: 'a', boot: { timeout: NaN }, files: new Map(), packages: Promise.resolve([]) };",
    says: /boot\.timeout: expected plain data, found NaN\n.*files: .*found an instance of Map.*\n.*packages: .*Promise \(write await before it\)/,
  },
  {
    name: "clock",
    text: "export default { name: `a${Date.now()}` };",
    says: /^E_CONFIG_HERMETIC: system\.ts:1:33: Date\.now\(\) is not available/,
  },
  { name: "date", text: "const d = new Date();", says: /^E_CONFIG_HERMETIC: system\.ts:1:11: new Date\(\) is not available/ },
  { name: "clock by a detour", text: "new (new Date(0).constructor)();", says: /^E_CONFIG_HERMETIC: .*new Date\(\)/ },
  { name: "fixed date", text: "export default { name: `a${new Date('2026-01-02').getFullYear()}` };", says: "evaluated: a2026" },
  { name: "clock in a class", text: "new File([], 'x').lastModified;", says: "E_CONFIG_FAILED: system.ts:1:1: File is not defined" },
  { name: "chance", text: "Math.random();", says: /^E_CONFIG_HERMETIC: .*Math\.random\(\)/ },
  { name: "crypto", text: "crypto.randomUUID();", says: /^E_CONFIG_HERMETIC: .*crypto\.randomUUID/ },
  { name: "environment", text: "export default { name: process.env.HOME };", says: /^E_CONFIG_HERMETIC: system\.ts:1:32: process\.env/ },
  {
    name: "network",
    text: "try { fetch('http://x'); } catch {}\nexport default { name: 'a' };",
    says: /^E_CONFIG_HERMETIC: system\.ts:1:7: fetch\(\)/,
  },
  {
    name: "host facts",
    text: 'import os from "node:os";\nexport default { name: os.hostname() };',
    says: /^E_CONFIG_HERMETIC: system\.ts:1:16: the module node:os is not available/,
  },
  { name: "processes", text: 'await import("child_process");', says: /^E_CONFIG_HERMETIC: .*the module child_process/ },
  {
    name: "file outside",
    text: 'import { readFileSync } from "node:fs";\nreadFileSync("/etc/hostname");',
    says: "E_CONFIG_HERMETIC: system.ts:2:1: reading /etc/hostname is not allowed: a config reads below <project> only",
  },
  {
    name: "file inside",
    common: "b",
    text: 'import { readFileSync } from "node:fs";\nexport default { name: readFileSync("common.ts", "utf8") };',
    says: "evaluated: b",
  },
  {
    name: "file dates",
    text: 'import { statSync } from "node:fs";',
    says: "E_CONFIG_HERMETIC: system.ts:1:10: of node:fs a config has readFileSync, readdirSync and existsSync",
  },
];

void describe("a system.ts", { concurrency: 2 }, () => {
  for (const { name, text, says, common, timeout } of cases)
    void test(name, async () => {
      const found = await refusal(
        name.replaceAll(" ", "-"),
        { "system.ts": text, ...(common === undefined ? {} : { "common.ts": common }) },
        timeout,
      );
      if (typeof says === "string") assert.equal(found, says);
      else assert.match(found, says);
    });
});

void test("what a config prints reaches the caller and does not disturb the result", async () => {
  const path = join(folder, "prints.ts");
  writeFileSync(path, "console.log('hello'); console.error('there'); export default { name: 'a' };");
  const lines: string[] = [];
  const { system } = await loadSystem(path, { onLine: (line) => lines.push(line) });
  assert.deepEqual([system.name, ...lines], ["a", "hello", "there"]);
});

void test("a config behind a link is the file that the link names", async () => {
  mkdirSync(join(folder, "real"));
  writeFileSync(join(folder, "real/system.ts"), "export default { name: 'a', files: { '/etc/a': { source: 'a' } } };");
  writeFileSync(join(folder, "real/a"), "x");
  symlinkSync(join(folder, "real"), join(folder, "link"));
  const loaded = await loadSystem(join(folder, "link/system.ts"));
  assert.equal(loaded.folder, join(folder, "real"));
});

void test("systems below one tsconfig.json or package.json share files; without one they do not", async () => {
  const parent = join(folder, "shared");
  mkdirSync(join(parent, "web"), { recursive: true });
  writeFileSync(join(parent, "common.ts"), "export const name = 'a';");
  writeFileSync(join(parent, "web/system.ts"), "import { name } from '../common.ts';\nexport default { name };");
  await assert.rejects(loadSystem(join(parent, "web")), { code: "E_CONFIG_HERMETIC", hint: /tsconfig\.json/ });
  writeFileSync(join(parent, "package.json"), "{}");
  assert.equal((await loadSystem(join(parent, "web"))).system.name, "a");
});

for (const example of ["minimal", "web", "kiosk"])
  void test(`the example ${example} gives the same system twice`, async () => {
    const [one, two] = [await loadSystem(join(root, "examples", example)), await loadSystem(join(root, "examples", example, "system.ts"))];
    assert.equal(one.system.name, example);
    assert.equal(one.digest, two.digest);
  });

for (const administrator of [
  undefined,
  { name: "ada", sshKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILalQTEeqrZ16j2LMHpSs9narKnimu2d0xiMuT/Lc5Dk ada@example" },
])
  void test(`the starter ${administrator === undefined ? "without" : "with"} an administrator evaluates, and its types fit`, async () => {
    const project = mkdtempSync(join(folder, "starter-"));
    const files = starterFiles({ name: "box", virtual: true, ...(administrator === undefined ? {} : { administrator }) });
    for (const [name, text] of files) writeFileSync(join(project, name), text);
    const { system } = await loadSystem(project);
    assert.deepEqual(Object.keys(system.users), administrator === undefined ? [] : ["ada"]);
    await exec(join(root, "node_modules/.bin/tsc"), ["-p", project], { env: { PATH: process.env["PATH"] ?? "" } });
    writeFileSync(join(project, "system.ts"), (files.get("system.ts") ?? "").replace("packages:", "pakages:"));
    await assert.rejects(
      exec(join(root, "node_modules/.bin/tsc"), ["-p", project], { env: { PATH: process.env["PATH"] ?? "" } }),
      /pakages/,
    );
  });
