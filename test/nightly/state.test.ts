/**
 * The data of one machine that has lived: what declares it, what an ephemeral /var carries over, copies before a newer version
 * of a service's data, and owners when another package brings system accounts. Three starts, shared by the tests in order.
 */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { TestContext } from "node:test";
import { lockSystem } from "#pipeline";
import { openInstalled } from "../support/installed.ts";
import type { Live } from "../support/live-machine.ts";
import { personAt } from "../support/person.ts";
import { onMachine } from "../support/steps.ts";

/** Writes its version where its data is, as a database that migrates at its start. */
const notes = (version: number): string => `
  units: { "notes.service": ${JSON.stringify(`[Service]
Type=oneshot
RemainAfterExit=yes
StateDirectory=notes
ExecStart=/bin/sh -c 'echo ${version} >>/var/lib/notes/versions'
[Install]
WantedBy=multi-user.target
`)} },
  state: {
    varMode: "ephemeral", wiped: 2,
    var: { "/var/lib/ledger": "state", "/var/log/journal": "log" },
    schemas: { notes: { paths: ["/var/lib/notes"], version: ${version} } },
  },
  updates: { retention: { count: 3 } }`;
const FIRST = `{ ${notes(1)} }`;
/** Another package with an account: its scripts take a number that others would get without the ledger. */
const SECOND = `{ ${notes(2)}, packages: ["chrony"] }`;

interface StateItem {
  readonly path: string;
  readonly class: string;
  readonly bytes: number;
  readonly growth?: number;
  readonly since?: number;
  readonly package?: string;
  readonly service?: string;
}

interface Unknown {
  readonly path: string;
  readonly files: number;
  readonly processes?: string[];
  readonly package?: string;
}

let live: Live;
const step = onMachine(() => live);
const { sudo, restart } = personAt(() => live);

before(async () => {
  live = await openInstalled();
});

after(async () => {
  await live?.close();
});

step("every declared path has an owner, a class, a size and the generation in which it came", async () => {
  const { state } = JSON.parse(await sudo("ashlar state --json")) as { state: StateItem[] };
  const at = (path: string): StateItem | undefined => state.find((item) => item.path === path);
  const nginx = at("/var/lib/nginx");
  assert.deepEqual([nginx?.class, nginx?.package, nginx?.since], ["state", "nginx-common", 1]);
  assert.equal(at("/var/log/nginx")?.class, "log");
  assert.equal(at("/home/demo")?.since, 1);
  assert.ok((at("/var/log/journal")?.bytes ?? 0) > 1_000_000, "the journal has a size");
  await sudo("dd if=/dev/zero of=/var/lib/nginx/cache.bin bs=1M count=3 2>/dev/null");
  const again = JSON.parse(await sudo("ashlar state --json")) as { state: StateItem[] };
  const growth = again.state.find(({ path }) => path === "/var/lib/nginx")?.growth ?? 0;
  assert.ok(growth >= 3 * 2 ** 20 && growth < 4 * 2 ** 20, `grew by ${growth}`);
  // FAT too gives clusters to a file without a name, which is how an update's space is held (deployment/reservation.ts).
  const held = await sudo(`cd /efi; free() { df --output=avail -B1 /efi | tail -1; }; free
    exec 9>.held; rm .held; fallocate --keep-size --length 40000000 /proc/self/fd/9; free; exec 9>&-; free`);
  const [before = 0, during = 0, afterwards] = held.split("\n").map(Number);
  assert.ok(before - during >= 40_000_000 && afterwards === before, held);
  const text = await sudo("ashlar state");
  assert.ok(text.split("\n").every((line) => line.length <= 80));
});

step("what nothing declares is listed with who has it open, and can be kept", async () => {
  assert.deepEqual(
    (JSON.parse(await sudo("ashlar state unknown --json")) as { unknown: unknown[] }).unknown,
    [],
    "nothing on a machine that nobody touched",
  );
  await sudo(`mkdir -p /var/lib/mystery /var/lib/ledger /var/lib/curl /var/lib/notes
    echo kept >/var/lib/mystery/file; echo paid >/var/lib/ledger/book; echo lost >/var/lib/curl/file; echo 0 >/var/lib/notes/versions
    chown -R www-data:adm /var/lib/mystery; chmod 2750 /var/lib/mystery
    setsid sh -c "exec tail -f /var/lib/curl/file" >/dev/null 2>&1 &`);
  const { unknown } = JSON.parse(await sudo("ashlar state unknown --json")) as { unknown: Unknown[] };
  assert.deepEqual(
    unknown.map(({ path, files, processes, package: name }) => [path, files, processes, name]),
    [
      ["/var/lib/curl", 1, ["tail"], "curl"],
      ["/var/lib/ledger", 1, undefined, undefined],
      ["/var/lib/mystery", 1, undefined, undefined],
      ["/var/lib/notes", 1, undefined, undefined],
    ],
  );
  assert.match(await sudo("ashlar state keep /var/lib/mystery"), /state: \{ var: \{ "\/var\/lib\/mystery": "state" \} \}/);
});

step("/var begins anew with what is kept, and what it lost can be had back", async (context) => {
  const ids = await sudo("getent passwd | cut -d: -f1,3 | sort");
  await restartInto(FIRST, context);
  assert.equal(await sudo("cat /var/lib/mystery/file /var/lib/ledger/book"), "kept\npaid");
  assert.equal(await sudo("stat -c %U:%G:%a /var/lib/mystery"), "www-data:adm:2750");
  assert.match(await sudo("ls -d /var/lib/curl /var/lib/nginx/cache.bin 2>&1; true"), /curl.*No such file[^]*cache\.bin.*No such file/);
  assert.match(await sudo("systemctl is-active nginx"), /^active$/);
  assert.match(await sudo("journalctl --list-boots --no-pager | wc -l"), /^[3-9]/, "the journal is a log, and was carried over");
  const { trees } = JSON.parse(await sudo("ashlar state recover --json")) as { trees: { number: number }[] };
  assert.deepEqual(
    trees.map(({ number }) => number),
    [1],
  );
  await sudo("ashlar state recover /var/lib/curl");
  assert.equal(await sudo("cat /var/lib/curl/file"), "lost");
  assert.equal(await sudo("getent passwd | cut -d: -f1,3 | sort"), ids);
});

step("data without a version is copied before the first start of a service that has one", async () => {
  // The start that made /var anew is also the first one of the service.
  assert.equal(await sudo("cat /var/lib/notes/versions"), "0\n1");
  const { snapshots } = JSON.parse(await sudo("ashlar state snapshots --json")) as {
    snapshots: { unit: string; schema: number; generation: number }[];
  };
  assert.deepEqual(
    snapshots.map(({ unit, schema, generation }) => [unit, schema, generation]),
    [["notes.service", 0, 3]],
  );
  assert.equal(await sudo("cat /state/snapshots/notes.service/000001/data/0/versions"), "0");
});

step("a newer version gets a copy, and another package's account moves no owner", async (context) => {
  const owners =
    "find /var /srv -xdev -printf '%p %U %G %u %g\\n' 2>/dev/null | grep -E 'systemd|messagebus|www-data|_chrony|polkit' | sort";
  const before = await sudo(owners);
  await restartInto(SECOND, context);
  assert.equal(await sudo("cat /var/lib/notes/versions"), "0\n1\n2");
  assert.match(await sudo("stat -c %U /var/lib/chrony"), /^_chrony$/);
  const lines = new Set((await sudo(owners)).split("\n"));
  const moved = before
    .split("\n")
    .filter((line) => !lines.has(line) && /^\/var\/(lib\/(mystery|ledger|systemd|dbus|nginx)|log\/journal)\b/.test(line));
  context.diagnostic(`${before.split("\n").length} paths of system accounts`);
  assert.deepEqual(
    moved.filter((line) => !line.includes("/journal/")),
    [],
  );
  // No number without a name: an owner that had moved would show as one.
  assert.equal(await sudo("find /var /srv /home -xdev \\( -nouser -o -nogroup \\) | head"), "");
});

step("going back to the older version is refused until somebody says what becomes of the data", async (context) => {
  const refused = await live.sudo("ashlar rollback 3 --json");
  assert.equal(refused.exitCode, 1);
  const { error } = JSON.parse(refused.err) as { error: { code: string; hint: string } };
  assert.equal(error.code, "E_STATE_TOO_NEW");
  assert.match(error.hint, /--restore-state/);
  const { state } = JSON.parse(await sudo("ashlar rollback 3 --restore-state --json")) as { state: unknown[] };
  assert.deepEqual(state, [{ unit: "notes.service", from: 2, to: 1, choice: "restore" }]);
  context.diagnostic(`restarted in ${await restart()} s`);
  assert.equal(await sudo("cat /var/lib/notes/versions"), "0\n1\n1", "the copy, and this start");
  assert.equal(await sudo("cat /state/snapshots/notes.service/000003/data/0/versions"), "0\n1\n2");
});

async function restartInto(part: string, context: TestContext): Promise<void> {
  live.project.write(part);
  await lockSystem({ config: live.project.config }, live.context);
  await live.publish(part);
  await sudo(`ashlar upgrade --from ${live.address("releases")}`);
  context.diagnostic(`restarted in ${await restart()} s`);
}
