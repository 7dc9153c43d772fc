import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { System } from "#config/system.ts";
import { AshlarError } from "#errors";
import { exec } from "#sys/exec.ts";
import { runCli } from "../../test/support/cli.ts";
import type { CliRun } from "../../test/support/cli.ts";
import { defineCommand } from "./command.ts";
import type { CommandEntry } from "./command.ts";
import { commandGroups } from "./commands.ts";
import { completionScript } from "./completion.ts";
import { manualPages } from "./manual.ts";
import { describeCommands } from "./parameters.ts";

const commands = describeCommands(commandGroups);

test("without arguments the groups of commands are shown", async () => {
  const { exitCode, stdout, stderr } = await runCli([]);
  assert.equal(exitCode, 0);
  assert.equal(stderr, "");
  for (const group of commandGroups) assert.ok(stdout.includes(`\n${group.title}\n`), group.title);
  for (const { name, entry } of commands) assert.match(stdout, new RegExp(`^  ${name} +${entry.brief.replace(/[()]/g, ".")}$`, "m"));
  assert.equal((await runCli(["--help"])).stdout, stdout);
});

test("an unknown command exits with 2 and offers the nearest one", async () => {
  const { exitCode, stdout, stderr } = await runCli(["biuld"]);
  assert.equal(exitCode, 2);
  assert.equal(stdout, "");
  assert.equal(stderr, 'error: there is no command "biuld"\n  code:  E_CLI_UNKNOWN_COMMAND\n  hint:  did you mean `build`?\n');
});

test("a command far from every other gets the list instead", async () => {
  assert.match((await runCli(["xyzzyxyzzyxyzzy"])).stderr, /hint: {2}ashlar --help lists the commands/);
});

test("an unknown flag exits with 2 and names the help of the command", async () => {
  const { exitCode, stderr } = await runCli(["dump", "--jsno", "abcd"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /--jsno.*--json[\s\S]*E_CLI_USAGE[\s\S]*ashlar dump --help/);
});

test("a missing argument is named", async () => {
  const { exitCode, stderr } = await runCli(["dump"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /DIGEST/);
});

test("with --json a command line that was not understood is answered in JSON", async () => {
  const { exitCode, stderr } = await runCli(["dump", "--json"]);
  assert.equal(exitCode, 2);
  assert.equal((JSON.parse(stderr) as { error: { code: string } }).error.code, "E_CLI_USAGE");
});

test("every command shows its help with usage, flags and examples that start with it", async () => {
  for (const { name, entry } of commands) {
    const { exitCode, stdout } = await runCli([...name.split(" "), "--help"]);
    assert.equal(exitCode, 0, name);
    assert.ok(stdout.includes(entry.description), name);
    assert.match(stdout, /^USAGE\n {2}ashlar [a-z ]+ (--[a-z]+ [A-Z]+ )?\[FLAGS\]/);
    assert.match(stdout, /--json[\s\S]*--progress[\s\S]*EXAMPLES\n {2}ashlar /);
    for (const example of entry.examples) assert.ok(`${example.arguments} `.startsWith(`${name} `), example.arguments);
  }
});

test("every command has at least one example and a brief that fits a line of 80", () => {
  for (const { name, entry } of commands) {
    assert.ok(entry.examples.length > 0, name);
    assert.ok(entry.brief.length <= 64 && !entry.brief.endsWith("."), name);
  }
});

test("a command that fails prints its error and uses its exit code", async () => {
  const cause = new Error("it is Tuesday");
  const failing = defineCommand({
    brief: "x",
    description: "x",
    examples: [{ arguments: "x", does: "x" }],
    parameters: {},
    run: () => Promise.reject(new AshlarError("E_TEST", "cannot do x", { hint: "ashlar y", exitCode: 7, cause })),
  });
  assert.deepEqual(await runEntry(failing, []), {
    exitCode: 7,
    stdout: "",
    stderr: "error: cannot do x\n  cause: it is Tuesday\n  code:  E_TEST\n  hint:  ashlar y\n",
  });
  const json = await runEntry(failing, ["--json"]);
  assert.deepEqual(JSON.parse(json.stderr), {
    error: { code: "E_TEST", message: "cannot do x", hint: "ashlar y", causes: ["it is Tuesday"] },
  });
});

test("a command's result is text for people and one record with --json", async () => {
  const listing = defineCommand({
    brief: "x",
    description: "x",
    examples: [{ arguments: "x", does: "x" }],
    parameters: {},
    run: async (_flags, _args, { report }) => {
      await report.step("work", async () => {});
      return { json: { items: [1] }, text: "one item", exitCode: 3 };
    },
  });
  const asText = await runEntry(listing, []);
  assert.equal(asText.exitCode, 3);
  assert.equal(asText.stdout, "one item\n");
  assert.match(asText.stderr, /^→ work\n✓ work: \d/);
  const asJson = await runEntry(listing, ["--json", "--progress", "quiet"]);
  assert.deepEqual([JSON.parse(asJson.stdout), asJson.stderr], [{ items: [1] }, ""]);
  const events = (await runEntry(listing, ["--progress", "json"])).stderr.trimEnd().split("\n");
  assert.deepEqual(
    events.map((line) => (JSON.parse(line) as { type: string }).type),
    ["hello", "start", "end"],
  );
});

test("a config that is not there is named with the way to make one", async () => {
  const { exitCode, stderr } = await runCli(["check"], { cwd: "/" });
  assert.equal(exitCode, 1);
  assert.match(stderr, /there is no config at \/\n.*E_CONFIG_NOT_FOUND\n.*ashlar init/);
});

test("what init writes passes check, and init never overwrites it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-init-"));
  try {
    const first = await runCli(["init", "My Web 1"], { cwd: folder });
    assert.deepEqual([first.exitCode, first.stderr], [0, ""]);
    const config = join(folder, "My Web 1/system.ts");
    const checked = await runCli(["check", "--json", config], { cwd: folder });
    assert.deepEqual([checked.exitCode, checked.stderr], [0, ""]);
    assert.equal((JSON.parse(checked.stdout) as { system: { name: string } }).system.name, "my-web-1");
    writeFileSync(config, "mine");
    const again = await runCli(["init", "My Web 1"], { cwd: folder });
    assert.match(again.stderr, /E_INIT_EXISTS/);
    assert.equal(readFileSync(config, "utf8"), "mine");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("init takes its answers from flags and refuses what a config would refuse", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-init-"));
  try {
    const key = `ssh-ed25519 ${Buffer.concat([Buffer.from("0000000b", "hex"), Buffer.from("ssh-ed25519"), Buffer.alloc(36, 1)]).toString("base64")} ada@laptop`;
    writeFileSync(join(folder, "ada.pub"), `${key}\n`);
    const refused = await runCli(["init", "lab", "--timezone", "Europe/Berlim"], { cwd: folder });
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /timezone: .*Europe\/Berlin.*\n.*E_CLI_USAGE/);
    const missing = await runCli(["init", "lab", "--ssh-key", "bob.pub"], { cwd: folder });
    assert.match(missing.stderr, /cannot read the public key .*bob\.pub/);
    assert.deepEqual(readdirSync(folder), ["ada.pub"], "a refused init writes nothing");
    const flags = ["--yes", "--name", "lab1", "--hardware", "--admin", "ada", "--ssh-key", "ada.pub", "--timezone", "Europe/Berlin"];
    assert.equal((await runCli(["init", ...flags, "lab"], { cwd: folder })).exitCode, 0);
    const checked = await runCli(["check", "--json", "lab"], { cwd: folder });
    const { system } = JSON.parse(checked.stdout) as { system: System };
    assert.deepEqual(
      [system.name, system.kernel.package, system.timezone, system.users["ada"]?.sshKeys],
      ["lab1", "linux-image-amd64", "Europe/Berlin", [key]],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the bash completion offers commands and the flags of each", async () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const script = `${completionScript("bash", commandGroups)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _ashlar; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await exec("bash", ["--norc", "-c", script])).stdout.toString().trimEnd().split("\n");
  };
  assert.deepEqual(await complete("ashlar", "bui"), ["build"]);
  assert.deepEqual(await complete("ashlar", "build", "--lo"), ["--locked"]);
  assert.deepEqual(await complete("ashlar", "build", "--progress", "q"), ["quiet"]);
});

test("zsh and fish completion name every command", () => {
  for (const shell of ["zsh", "fish"] as const) {
    const script = completionScript(shell, commandGroups);
    for (const { name } of commands) for (const word of name.split(" ")) assert.ok(script.includes(word), `${shell}: ${name}`);
  }
});

test("manual pages are written for every command", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ashlar-man-"));
  try {
    const { exitCode, stdout } = await runCli(["man", "pages", "--json"], { cwd: folder });
    assert.equal(exitCode, 0);
    assert.deepEqual(readdirSync(join(folder, "pages")).sort(), (JSON.parse(stdout) as { files: string[] }).files.sort());
    assert.equal(readdirSync(join(folder, "pages")).length, commands.length + 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a manual page has its sections and no line that roff would take for a request", () => {
  const page = manualPages(commandGroups)["ashlar-build.1"] ?? "";
  for (const section of ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"])
    assert.ok(page.includes(`\n.SH ${section}\n`), section);
  const requests = page.split("\n").filter((line) => line.startsWith("."));
  assert.deepEqual(new Set(requests.map((line) => line.split(" ")[0])), new Set([".TH", ".SH", ".B", ".TP", ".BR"]));
});

async function runEntry(entry: CommandEntry, args: readonly string[]): Promise<CliRun> {
  return runCli(["x", ...args], { groups: [{ title: "Test", commands: { x: entry } }] });
}
