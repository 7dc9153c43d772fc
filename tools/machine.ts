/**
 * The loop for work on what runs on a machine: seconds from a change to seeing it.
 *
 *     node tools/machine.ts           a running machine (test/support/installed.ts) with today's program; says how to log in
 *     kill -HUP PID                   puts the program, units and scripts of this moment on it
 *     kill -TERM PID, or Ctrl-C       ends it; nothing is kept
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openInstalled } from "../test/support/installed.ts";
import { USER } from "../test/support/live-project.ts";
import { push } from "../test/support/push.ts";

const live = await openInstalled();
const { port, key } = live.target;
const login = join(live.project.folder, "login");
writeFileSync(
  login,
  `#!/bin/sh\nexec ssh -q -p ${port} -i ${join(key.folder, "id")} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ${USER}@127.0.0.1 "$@"\n`,
  { mode: 0o755 },
);
say(`process   ${process.pid}
log in    ${login} [COMMAND]
config    ${live.project.config}
served    ${live.served} as ${live.address("")}`);
process.on(
  "SIGHUP",
  () =>
    void push(live).then(
      () => say("pushed"),
      (error: unknown) => say(String(error)),
    ),
);
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void live.close());
await live.machine.exited;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
