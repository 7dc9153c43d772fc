import assert from "node:assert/strict";
import { test } from "node:test";
import { mappingsIn, readProcesses } from "./processes.ts";
import { parseUnits } from "./units.ts";

test("of a process's memory the files count that may be executed, by path and device", () => {
  const maps = `55d0-55d1 r--p 00000000 00:1a 12 /usr/sbin/nginx
55d1-55d2 r-xp 00001000 00:1a 12 /usr/sbin/nginx
7f00-7f01 r-xp 00000000 fe:02 99                         /usr/lib/x y.so (deleted)
7f02-7f03 r-xp 00000000 00:00 0                          [vdso]
7f03-7f04 rw-p 00000000 00:00 0
`;
  assert.deepEqual(mappingsIn(maps), [
    { device: "0:26", path: "/usr/sbin/nginx" },
    { device: "254:2", path: "/usr/lib/x y.so" },
  ]);
});

test("this very process is found with the program it runs", () => {
  const { processes } = readProcesses("/proc");
  const own = processes.find(({ pid }) => pid === process.pid);
  assert.ok(own?.mapped.some(({ path }) => path === process.execPath));
});

test("units that do nothing now are left out", () => {
  const text =
    "Type=notify\nId=a.service\nCanReload=yes\nActiveState=active\n\nType=simple\nId=b.service\nCanReload=no\nActiveState=inactive\n\nId=c.timer\nActiveState=active\n";
  assert.deepEqual(parseUnits(text), [
    { name: "a.service", type: "notify", canReload: true },
    { name: "c.timer", type: "", canReload: false },
  ]);
});
