import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { logIn, openConsole, runCommand } from "./console.ts";

const LONG = 5_000;

void test("a match consumes the text up to its end, however it was cut into pieces", async () => {
  const [near, guest] = duplexPair();
  const console = openConsole(near);
  guest.write("boot");
  guest.write("ing\r\nlogin: ");
  await console.waitFor(/booting/, LONG);
  guest.write("root login: ");
  assert.equal((await console.waitFor(/(\w*) ?login: /, LONG))[1], "");
  assert.equal((await console.waitFor(/(\w*) ?login: /, LONG))[1], "root");
  assert.equal(console.transcript(), "booting\r\nlogin: root login: ");
});

void test("waiting in vain names the pattern and shows the last lines without control sequences", async () => {
  const [near, guest] = duplexPair();
  const console = openConsole(near);
  guest.write("\u001b[0;32mKernel panic\u001b[0m - not syncing\r\n");
  await assert.rejects(console.waitFor(/login:/, 20), {
    code: "E_VM_CONSOLE_TIMEOUT",
    message: "no /login:/ on the console within 20 ms; the console's last lines:\nKernel panic - not syncing",
  });
  const waiting = assert.rejects(console.waitFor(/login:/, LONG), { code: "E_VM_CONSOLE_CLOSED", message: /Kernel panic/ });
  guest.destroy();
  near.destroy();
  await waiting;
});

void test("logging in answers the prompts and a command has its output and exit code", async () => {
  const [near, guest] = duplexPair();
  const typed: string[] = [];
  guest.setEncoding("utf8").on("data", (text: string) => {
    typed.push(text);
    if (text === "ada\n") guest.write("Password: ");
    else if (text === "secret\n") guest.write("\r\n$ ");
    else if (text.includes("stty")) guest.write("shell-42\r\n");
    else {
      const mark = /mark-\w+(?=-begin)/.exec(text)?.[0];
      guest.write(`${mark}-begin\r\none\r\n\u001b[1mtwo\u001b[m\r\n${mark}-end:3\r\n`);
    }
  });
  const console = openConsole(near);
  guest.write("web login: ");
  await logIn(console, { user: "ada", password: "secret" }, LONG);
  assert.deepEqual(typed.slice(0, 2), ["ada\n", "secret\n"]);
  assert.deepEqual(await runCommand(console, "false", LONG), { output: "one\ntwo", exitCode: 3 });
});
