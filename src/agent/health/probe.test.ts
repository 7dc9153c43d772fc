/** Probes against a stand-in for systemctl that answers as it does; commands are real. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { scratch } from "../../../test/support/release-fixture.ts";
import { probe } from "./probe.ts";

const home = scratch();
const path = process.env["PATH"] ?? "";
before(() => {
  // "starting.service" is activating at the first look and active afterwards.
  writeFileSync(
    join(home.path, "systemctl"),
    `#!/bin/sh
case $1 in
status) echo "$5 says: cannot bind"; exit 3 ;;
esac
shift 2
for unit; do
	case $unit in
	broken.service) state=failed ;;
	starting.service) [ -e ${home.path}/seen ] && state=active || state=activating; : >${home.path}/seen ;;
	slow.service) state=activating ;;
	*) state=active ;;
	esac
	echo "ActiveState=$state"
	echo
done
`,
  );
  chmodSync(join(home.path, "systemctl"), 0o755);
  process.env["PATH"] = `${home.path}:${path}`;
});
after(() => {
  process.env["PATH"] = path;
  home[Symbol.dispose]();
});

const QUICK = { poll: 5, unitDeadline: 2000 };
const command = (name: string, ...words: string[]) => ({ name, command: words, deadline: 5 });

test("a unit may take its time to become active, and a command that succeeds passes", async () => {
  const results = await probe({ units: ["nginx.service", "starting.service"], commands: [command("true", "/bin/true")] }, QUICK);
  assert.deepEqual(
    results.map(({ kind, name, passed }) => [kind, name, passed]),
    [
      ["unit", "nginx.service", true],
      ["unit", "starting.service", true],
      ["command", "true", true],
    ],
  );
  assert.ok((results[1]?.duration ?? 0) >= (results[0]?.duration ?? 0), "the one that was starting took longer");
});

test("a failed unit is reported at once with the end of its log", async () => {
  const [result] = await probe({ units: ["broken.service"], commands: [] }, { poll: 5, unitDeadline: 60_000 });
  assert.equal(result?.passed, false);
  assert.deepEqual([result?.reason, result?.output], ["it is failed", "broken.service says: cannot bind"]);
});

test("a unit that never becomes active fails at the deadline", async () => {
  const [result] = await probe({ units: ["slow.service"], commands: [] }, { poll: 5, unitDeadline: 30 });
  assert.match(`${result?.reason}`, /it is activating/);
});

test("a command that fails, is missing, or takes too long says why, and the others still run", async () => {
  const results = await probe(
    {
      units: [],
      commands: [
        command("web answers", "/bin/sh", "-c", "echo connection refused >&2; exit 7"),
        command("missing", "/nonexistent/program"),
        { name: "late", command: ["/bin/sleep", "20"], deadline: 0.05 },
        command("fine", "/bin/true"),
      ],
    },
    QUICK,
  );
  assert.deepEqual(
    results.map(({ passed }) => passed),
    [false, false, false, true],
  );
  assert.deepEqual([results[0]?.reason, results[0]?.output], ["/bin/sh ended with exit code 7", "connection refused"]);
  assert.match(`${results[1]?.reason}`, /cannot start \/nonexistent\/program/);
  assert.match(`${results[2]?.reason}`, /did not end within 50 ms/);
});

test("nothing declared is healthy", async () => {
  assert.deepEqual(await probe({ units: [], commands: [] }), []);
});
