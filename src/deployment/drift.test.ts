import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { verityDigest } from "#formats/fsverity.ts";
import { driftOf } from "./drift.ts";
import type { ImageNode } from "./drift.ts";

const upper = mkdtempSync(join(tmpdir(), "ashlar-drift-"));
after(() => rmSync(upper, { recursive: true, force: true }));

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const long = "x".repeat(100);

function node(path: string, part: Partial<ImageNode>): ImageNode {
  return { path, mode: 0o100644, size: 0, uid, gid, payload: undefined, content: undefined, digest: undefined, ...part };
}

const image: ImageNode[] = [
  node("/etc", { mode: 0o040755 }),
  node("/etc/motd", { size: 3, content: Buffer.from("hi\n") }),
  node("/etc/hosts", { size: long.length, digest: verityDigest(Buffer.from(long)) }),
  node("/etc/issue", { size: 3, content: Buffer.from("hi\n") }),
  node("/etc/localtime", { mode: 0o120777, payload: "/usr/share/zoneinfo/UTC" }),
  node("/etc/nginx", { mode: 0o040755 }),
];

test("each way in which /etc can differ is listed, and nothing else", () => {
  writeFileSync(join(upper, "motd"), "ho\n", { mode: 0o644 });
  writeFileSync(join(upper, "hosts"), long, { mode: 0o644 });
  writeFileSync(join(upper, "issue"), "hi\n", { mode: 0o600 });
  symlinkSync("/usr/share/zoneinfo/Europe/Berlin", join(upper, "localtime"));
  mkdirSync(join(upper, "nginx"), { mode: 0o755 });
  writeFileSync(join(upper, "nginx/new.conf"), "");
  writeFileSync(join(upper, "machine-id"), "123\n");
  writeFileSync(join(upper, "kept"), "declared state\n");
  assert.deepEqual(driftOf(upper, image, ["kept"]), [
    { path: "/etc/issue", change: "changed", what: ["mode"] },
    { path: "/etc/localtime", change: "changed", what: ["content"] },
    { path: "/etc/motd", change: "changed", what: ["content"] },
    { path: "/etc/nginx/new.conf", change: "added", what: [] },
  ]);
});

test("an upper layer that is not there means that nothing changed", () => {
  assert.deepEqual(driftOf(join(upper, "missing"), image, []), []);
});
