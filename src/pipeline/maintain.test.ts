import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Image } from "#image/image.ts";
import { sealTree } from "#image/seal.ts";
import { silentReporter } from "#report/reporter.ts";
import { openStore } from "#store/open.ts";
import type { ObjectId } from "#store/object.ts";
import { listRefs, putRef } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { parseTree } from "#tree/dump.ts";
import { openWorkspace } from "#workspace";
import type { Context } from "./context.ts";
import { baseKey } from "./keys.ts";
import { checkStore, collectStore } from "./maintain.ts";
import type { BuildRecord } from "./record.ts";

const LOCK = { packages: [], archives: [{ date: "2026-01-01T00:00:00Z" }] };
const SYSTEM = { locale: "C.UTF-8" };

test("collect keeps what the last images need, and their base, and nothing else", async () => {
  await withWorkspace(async (context) => {
    const [old, last, other] = await withStore(context, (store) => [
      addImage(store, "web", "old content", 1000),
      addImage(store, "web", "new content", 2000),
      addImage(store, "kiosk", "kiosk content", 500),
    ]);
    const planned = await collectStore({ keep: 1, dryRun: true }, context);
    assert.deepEqual(planned.images, [old.record.image.digest]);
    await withStore(context, (store) => assert.ok(store.has(old.content)));

    const done = await collectStore({ keep: 1, dryRun: false }, context);
    assert.deepEqual({ ...done, kept: 0 }, { ...planned, kept: 0 });
    assert.ok(done.removed >= 3);
    await withStore(context, (store) => {
      for (const gone of [old.content, old.record.image.digest, old.record.dump]) assert.ok(!store.has(gone));
      for (const { content, record } of [last, other])
        for (const kept of [content, record.image.digest, record.dump]) assert.ok(store.has(kept));
      assert.deepEqual(
        new Set(listRefs(store, "images").map(({ name }) => name)),
        new Set([last.record.image.digest, other.record.image.digest]),
      );
      assert.equal(listRefs(store, "builds").length, 2);
      assert.deepEqual(
        listRefs(store, "bases").map(({ name }) => name),
        [baseKey(LOCK as never, SYSTEM.locale)],
      );
    });
  });
});

test("fsck is content with a sound store", async () => {
  await withWorkspace(async (context) => {
    await withStore(context, (store) => addImage(store, "web", "content", 1));
    const report = await checkStore({ repair: false }, context);
    assert.deepEqual([report.images, report.problems], [1, []]);
    assert.ok(report.objects >= 4);
  });
});

interface Added {
  readonly record: BuildRecord;
  /** The one file of the image. */
  readonly content: ObjectId;
}

/** What a build leaves behind, for a tree of one file. */
function addImage(store: Store, name: string, text: string, builtAt: number): Added {
  const bytes = Buffer.from(text.padEnd(100));
  const content = store.add(bytes);
  const path = `${content.slice(0, 2)}/${content.slice(2)}`;
  const dumpText = `/ 4096 40755 2 0 0 0 0.0 - - -\n/file ${bytes.length} 100644 1 0 0 0 0.0 ${path} - ${content}\n`;
  const dump = store.add(Buffer.from(dumpText));
  const digest = sealTree(parseTree(dumpText), store);
  const [linux, initrd] = [store.add(Buffer.from(`linux ${text}`)), store.add(Buffer.from(`initrd ${text}`))];
  const image: Image = {
    version: 1,
    name,
    digest,
    kernel: { version: "6.12", linux, initrd, arguments: [] },
    boot: { timeout: 3, tries: 3 },
    config: "0".repeat(64),
    lock: "0".repeat(64),
    epoch: 0,
  };
  const record: BuildRecord = {
    image,
    dump,
    system: store.add(Buffer.from(JSON.stringify(SYSTEM))),
    lock: store.add(Buffer.from(JSON.stringify(LOCK))),
  };
  putRef(store, "images", digest, record);
  utimesSync(join(store.root, "refs/images", `${digest}.json`), builtAt, builtAt);
  putRef(store, "builds", digest, { digest });
  putRef(store, "bases", baseKey(LOCK as never, SYSTEM.locale), { dump });
  putRef(store, "bases", `unused-${builtAt}`, { dump });
  return { record, content };
}

async function withWorkspace(work: (context: Context) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "ashlar-maintain-"));
  try {
    await work({ workspace: openWorkspace(root), report: silentReporter });
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function withStore<T>({ workspace }: Context, work: (store: Store) => T): Promise<T> {
  const store = await openStore(workspace.store, { workers: 0 });
  try {
    return work(store);
  } finally {
    await store.close();
  }
}
