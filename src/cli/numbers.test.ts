import assert from "node:assert/strict";
import { test } from "node:test";
import { parseForward, parsePort, parseSize } from "./numbers.ts";

test("sizes are powers of 1024, with or without B", () => {
  const cases = { "512": 512, "4k": 4096, "8G": 8 * 2 ** 30, "1.5GiB": 1.5 * 2 ** 30, "20MB": 20 * 2 ** 20 };
  for (const [text, bytes] of Object.entries(cases)) assert.equal(parseSize(text), bytes, text);
});

test("what is no size, port or forward says what is", () => {
  for (const text of ["", "8X", "-1G", "1G2", "G"]) assert.throws(() => parseSize(text), /is not a size; write 8G or 512M/, text);
  for (const text of ["0", "65536", "x", "-1", "1e3"]) assert.throws(() => parsePort(text), /ports are 1 to 65535/, text);
  for (const text of ["80", "1:2:3"]) assert.throws(() => parseForward(text), /such as 8080:80/, text);
});

test("a forward is the host's port, then the machine's", () => {
  assert.deepEqual(parseForward("8080:80"), { host: 8080, guest: 80 });
});
