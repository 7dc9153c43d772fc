import assert from "node:assert/strict";
import test from "node:test";
import { SYSTEM } from "../../test/support/lock-fixture.ts";
import { requestedPackages } from "./request.ts";

void test("the smallest system asks for what booting, upgrading and going back need", () => {
  const names = requestedPackages({ ...SYSTEM, packages: [] });
  for (const name of [
    "systemd",
    "systemd-sysv",
    "systemd-boot",
    "fsverity",
    "e2fsprogs",
    "dosfstools",
    "linux-image-cloud-amd64",
    "ashlar-initrd",
  ])
    assert.ok(names.includes(name), `${name} is missing`);
  for (const name of ["openssh-server", "sudo", "locales", "systemd-resolved"]) assert.ok(!names.includes(name), `${name} is not wanted`);
});

void test("options imply the packages that do them", () => {
  const user = { comment: "", home: "/home/a", shell: "/bin/bash", groups: [], sshKeys: [], sudo: "nopassword" } as const;
  const network = { interfaces: { lan: { match: "en*", dhcp: "no", addresses: [], gateway: [], dns: ["192.0.2.1"] } } } as const;
  const names = requestedPackages({ ...SYSTEM, locale: "de_DE.UTF-8", users: { a: user }, ssh: { ...SYSTEM.ssh, enable: true }, network });
  for (const name of ["openssh-server", "sudo", "locales", "systemd-resolved"]) assert.ok(names.includes(name), `${name} is missing`);
});

void test("the order and repetition of packages in the config mean nothing", () => {
  assert.deepEqual(
    requestedPackages({ ...SYSTEM, packages: ["b", "a", "b", "udev"] }),
    requestedPackages({ ...SYSTEM, packages: ["a", "b"] }),
  );
});
