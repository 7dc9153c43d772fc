import assert from "node:assert/strict";
import { test } from "node:test";
import { mountOption, parseMountinfo, topmostMount } from "./mountinfo.ts";

const TEXT = `1 1 0:2 / / rw - rootfs rootfs rw
29 1 0:26 / / ro,relatime shared:1 - overlay composefs:aa ro,lowerdir=/run/image::/objects
31 29 0:30 / /etc rw shared:2 master:7 - overlay ashlar-etc rw,lowerdir=/etc,upperdir=/run/with\\040blank
40 29 0:41 /usr /usr ro shared:5 - overlay composefs:bb ro
39 40 0:40 /usr /usr ro shared:4 - overlay composefs:cc ro
`;

test("a line is read whole, with its optional fields, its blanks and its options", () => {
  const etc = parseMountinfo(TEXT)[2];
  assert.deepEqual(etc, {
    id: 31,
    parent: 29,
    device: "0:30",
    root: "/",
    path: "/etc",
    type: "overlay",
    source: "ashlar-etc",
    options: ["rw", "rw", "lowerdir=/etc", "upperdir=/run/with blank"],
  });
  assert.equal(mountOption(etc, "upperdir"), "/run/with blank");
  assert.equal(mountOption(etc, "upper"), undefined);
});

test("what is seen is the mount on which none lies, whatever the order of the file", () => {
  const mounts = parseMountinfo(TEXT);
  assert.equal(topmostMount(mounts, "/usr")?.source, "composefs:cc");
  assert.equal(topmostMount(mounts, "/")?.source, "composefs:aa");
  assert.equal(topmostMount(mounts, "/home"), undefined);
});

test("lines that are no mounts are none", () => {
  assert.deepEqual(parseMountinfo("\nnonsense\n1 2 3\n"), []);
});
