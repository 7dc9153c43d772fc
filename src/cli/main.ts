/** The program `ashlar`: the only file that touches the process's own streams and exit code. */
import process from "node:process";
import { openWorkspace } from "#workspace";
import { runCommandLine } from "./application.ts";
import { becomeRoot } from "./become-root.ts";

// `ashlar dump … | head` closes our output early: that is the reader's right, not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  interactive: process.stdin.isTTY && process.stdout.isTTY && !process.env["CI"],
  workspace: openWorkspace(),
  becomeRoot,
});
