/** Where drift comes from: files here; over ssh it is tried on a machine (test/nightly/drift.test.ts), and here with programs in ssh's place. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readDrift } from "./adopt-source.ts";

const home = mkdtempSync(join(tmpdir(), "ashlar-source-"));
after(() => rmSync(home, { recursive: true }));

const exported = {
  version: 1,
  name: "web",
  image: "aa",
  items: [
    { kind: "file", name: "/etc/nginx/a.conf", change: "added" },
    { kind: "unit", name: "nginx.service", change: "edited", path: "/etc/systemd/system/nginx.service.d/x.conf" },
  ],
  accounts: { passwd: "", group: "" },
};
const file = join(home, "drift.json");
writeFileSync(file, JSON.stringify(exported));

const read = (from: string, names: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  readDrift({ from, names, secrets: false, env: { PATH: process.env["PATH"], ...env } });

test("of a file everything is taken, or what is named: by name, file or folder", async () => {
  assert.equal((await read(file)).items.length, 2);
  for (const name of ["nginx", "nginx.service", "/etc/systemd/system", "unit:nginx.service"])
    assert.deepEqual((await read(file, [name])).items, [exported.items[1]], name);
  await assert.rejects(read(file, ["/etc/b"]), { code: "E_ADOPT_NAMES", hint: /\/etc\/nginx\/a\.conf/ });
});

test("what is neither a file nor a machine is refused, and of a machine something must be named", async () => {
  for (const from of ["web1", join(home, "missing.json"), "a@b@c", "root@-oProxyCommand=x", "-oProxyCommand@web1", ""])
    await assert.rejects(read(from, ["x"]), { code: "E_ADOPT_SOURCE" }, from);
  await assert.rejects(read("root@web1"), { code: "E_ADOPT_NAMES", exitCode: 2 });
});

test("the command line reaches ssh as one, with each name safe from the remote shell", async () => {
  const ssh = join(home, "ssh");
  writeFileSync(ssh, `#!/bin/sh\nprintf '%s\\n' "$@" >${home}/arguments\ncat ${file}\n`);
  chmodSync(ssh, 0o755);
  const { items } = await read("ada@web1:2222", ["/etc/it's", "$(reboot)"], { ASHLAR_SSH: `${ssh} -o A=b` });
  assert.equal(items.length, 2);
  assert.equal(
    readFileSync(join(home, "arguments"), "utf8"),
    `-o\nA=b\n-p\n2222\nada@web1\nsudo -n ashlar drift export --json '/etc/it'\\''s' '$(reboot)'\n`,
  );
  await read("root@[fe80::1]", ["/etc/a"], { ASHLAR_SSH: ssh });
  assert.match(readFileSync(join(home, "arguments"), "utf8"), /^root@fe80::1\nashlar drift export --json '\/etc\/a'\n$/);
});

test("a machine that cannot be reached, or refuses, says so in its own words", async () => {
  const say = (text: string, code: number): NodeJS.ProcessEnv => {
    const ssh = join(home, `ssh-${code}`);
    writeFileSync(ssh, `#!/bin/sh\ncat >&2 <<'END'\n${text}\nEND\nexit ${code}\n`);
    chmodSync(ssh, 0o755);
    return { ASHLAR_SSH: ssh };
  };
  await assert.rejects(read("root@web1", ["x"], say("Connection refused", 255)), {
    code: "E_ADOPT_SSH",
    message: "root@web1 cannot be reached: Connection refused",
  });
  await assert.rejects(read("root@web1", ["x"], say(`noise\n{"error":{"code":"E_DRIFT_UNKNOWN","message":"x: it does not differ"}}`, 1)), {
    message: "root@web1 refused: x: it does not differ",
  });
});
