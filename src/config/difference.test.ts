import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, writeOut } from "./complete.ts";
import { systemDifference } from "./difference.ts";
import type { SystemInput } from "./input.ts";
import type { System } from "./system.ts";

const system = (input: Omit<SystemInput, "name">): System => complete(writeOut({ name: "a", ...input }), {});

test("equal systems have no difference", () => {
  assert.deepEqual(systemDifference(system({ packages: ["a1", "b1"] }), system({ packages: ["b1", "a1"] })), []);
});

test("each changed option is named with both values", () => {
  assert.deepEqual(
    systemDifference(
      system({ ssh: { port: 22 }, packages: ["nano"], users: { ada: {} } }),
      system({ ssh: { port: 2222 }, packages: ["vim"], sysctl: { "vm.swappiness": 10 } }),
    ),
    [
      { path: "packages[]", from: "nano" },
      { path: "packages[]", to: "vim" },
      { path: "ssh.port", from: 22, to: 2222 },
      { path: 'sysctl["vm.swappiness"]', to: "10" },
      {
        path: "users.ada",
        from: { comment: "", groups: [], home: "/home/ada", shell: "/bin/bash", sshKeys: [], sudo: "no" },
      },
    ],
  );
});

test("a list in another order is a change where order counts", () => {
  const [change] = systemDifference(
    system({ kernel: { arguments: ["quiet", "console=ttyS0"] } }),
    system({ kernel: { arguments: ["console=ttyS0", "quiet"] } }),
  );
  assert.equal(change?.path, "kernel.arguments");
});
