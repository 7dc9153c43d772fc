import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { verityDigest } from "#formats/fsverity.ts";
import { fsck } from "#store/fsck.ts";
import type { ObjectId } from "#store/object.ts";
import { openStore } from "#store/open.ts";
import { exec } from "#sys/exec.ts";

const writer = fileURLToPath(new URL("store-writer.ts", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "ashlar-kill-"));
after(() => rmSync(scratch, { recursive: true }));

/** Moments (ms after the first file) that fall before, into and after the work of the two threads. */
const MOMENTS = [0, 150, 300, 450];

for (const how of ["move", "copy"])
  test(`a process that is killed while it ${how === "move" ? "moves" : "copies"} files leaves a store that is sound and can be finished`, async () => {
    const folder = join(scratch, how);
    const root = join(scratch, `store-${how}`);
    mkdirSync(folder);
    const contents = new Map(Array.from({ length: 1500 }, (_, at) => [join(folder, `${at}`), Buffer.alloc(at * 37, `content ${at} `)]));
    for (const [path, content] of contents) writeFileSync(path, content);

    for (const moment of MOMENTS) {
      const result = await exec(execPath, [writer, root, folder, how, String(moment)], { allowFailure: true, timeout: 60_000 });
      assert.equal(result.signal, "SIGKILL", result.stderr);
      const store = await openStore(root);
      assert.deepEqual(readdirSync(join(root, "tmp")), []);
      assert.deepEqual(readdirSync(join(root, "unsynced")), []);
      assert.deepEqual((await fsck(store)).problems, []);
      for (const [path, content] of contents)
        assert.ok(existsSync(path) || store.has(verityDigest(content) as ObjectId), `${path} is neither where it was nor in the store`);
      await store.close();
    }

    const store = await openStore(root);
    const left = readdirSync(folder).map((name) => ({ path: join(folder, name), size: statSync(join(folder, name)).size }));
    await store.addFiles(left, { move: how === "move" });
    for (const content of contents.values()) assert.deepEqual(store.read(verityDigest(content) as ObjectId), content);
    assert.deepEqual((await fsck(store)).problems, []);
    await store.close();
  });
