import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { verityDigest } from "#formats/fsverity.ts";
import type { ObjectId } from "./object.ts";
import { openStore } from "./open.ts";
import { listRefs, putRef, removeRef } from "./refs.ts";
import type { Store } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "ashlar-store-"));
after(() => rmSync(folder, { recursive: true }));
/** So many files, however small, go to worker threads. */
const MANY = 600;
let count = 0;
const newFolder = (): string => join(folder, `${++count}`);

async function withStore(work: (store: Store) => Promise<void> | void, options = {}): Promise<string> {
  const store = await openStore(newFolder(), options);
  try {
    await work(store);
  } finally {
    await store.close();
  }
  return store.root;
}

function filesOf(contents: readonly string[]): { path: string; size: number }[] {
  const at = newFolder();
  mkdirSync(at);
  return contents.map((content, index) => {
    const path = join(at, `${index}`);
    writeFileSync(path, content, { mode: 0o4755 });
    return { path, size: Buffer.byteLength(content) };
  });
}

test("bytes come back by their verity digest, read-only and once", async () => {
  await withStore((store) => {
    const content = Buffer.from("some content");
    const object = store.add(content);
    assert.equal(object, verityDigest(content));
    assert.equal(store.add(content), object);
    assert.equal(store.has(object), true);
    assert.deepEqual(store.read(object), content);
    assert.equal(store.pathOf(object), join(store.root, "objects", object.slice(0, 2), object.slice(2)));
    assert.equal(statSync(store.pathOf(object)).mode & 0o7777, 0o444);
    assert.deepEqual(readdirSync(join(store.root, "tmp")), []);
  });
});

test("an object that is not there is named", async () => {
  await withStore((store) => {
    const object = "0".repeat(64) as ObjectId;
    assert.equal(store.has(object), false);
    for (const use of [() => store.read(object), () => store.addImage(object)])
      assert.throws(use, { code: "E_STORE_MISSING", message: new RegExp(object) });
  });
});

test("an image is a link to its object, and marking it twice is no error", async () => {
  await withStore((store) => {
    const image = store.add(Buffer.from("image"));
    store.addImage(image);
    store.addImage(image);
    assert.equal(readFileSync(join(store.root, "images", image), "utf8"), "image");
  });
});

for (const [how, workers] of [
  ["in this thread", 0],
  ["in worker threads", 2],
] as const)
  test(`files are copied and moved ${how}, in the order given`, async () => {
    const contents = ["", "small", "x".repeat(2_000_000), "small", ...Array.from({ length: MANY }, (_, at) => `content ${at}`)];
    await withStore(
      async (store) => {
        for (const move of [false, true]) {
          const files = filesOf(contents);
          const seen: number[] = [];
          const stored = await store.addFiles(files, { move, onProgress: (done) => seen.push(done) });
          assert.deepEqual(
            stored,
            contents.map((content) => ({ object: verityDigest(Buffer.from(content)), size: content.length })),
          );
          assert.deepEqual(
            seen,
            seen.toSorted((a, b) => a - b),
          );
          assert.equal(seen.at(-1), contents.length);
          for (const { path } of files) assert.equal(existsSync(path), !move);
          for (const { object } of stored) assert.equal(statSync(store.pathOf(object)).mode & 0o7777, 0o444);
        }
      },
      { workers },
    );
  });

test("moving files into an empty store copies nothing", async () => {
  await withStore(async (store) => {
    const files = filesOf(["one", "x".repeat(2_000_000)]);
    const inodes = files.map(({ path }) => statSync(path).ino);
    const stored = await store.addFiles(files, { move: true });
    assert.deepEqual(
      stored.map(({ object }) => statSync(store.pathOf(object)).ino),
      inodes,
    );
  });
});

for (const size of [10, 2_000_000])
  test(`a file of ${size} bytes that has grown or shrunk since it was listed is named, and nothing is stored`, async () => {
    await withStore(async (store) => {
      for (const change of [-1, 1]) {
        const [file] = filesOf(["x".repeat(size)]);
        assert.ok(file);
        await assert.rejects(
          store.addFiles([{ ...file, size: size + change }]),
          (error: Error) =>
            error.message.includes(size > 1e6 ? "" : file.path) &&
            "code" in error &&
            ["E_STORE_CHANGED", "E_VERITY_SIZE"].includes(String(error.code)),
        );
      }
      assert.deepEqual(readdirSync(join(store.root, "objects")), []);
    });
  });

test("the first error of many files is thrown after all have ended, and the others are stored", async () => {
  await withStore(
    async (store) => {
      const contents = Array.from({ length: MANY }, (_, at) => `content ${at}`);
      const files = filesOf(contents);
      rmSync(files[400]!.path);
      await assert.rejects(store.addFiles(files), { code: "ENOENT", message: new RegExp(files[400]!.path) });
      assert.equal(store.has(verityDigest(Buffer.from(contents.at(-1)!)) as ObjectId), true);
    },
    { workers: 2 },
  );
});

test("a link in place of a file is refused, not followed", async () => {
  await withStore(async (store) => {
    const path = join(folder, "link");
    symlinkSync("/etc/hostname", path);
    await assert.rejects(store.addFiles([{ path, size: statSync(path).size }]), { code: "ELOOP" });
  });
});

test("two stores on one folder add the same files at the same time", async () => {
  const root = newFolder();
  const [one, other] = await Promise.all([openStore(root, { workers: 1 }), openStore(root, { workers: 1 })]);
  const contents = Array.from({ length: MANY }, (_, at) => `content ${at % 300}`);
  const results = await Promise.all([one, other].map((store) => store.addFiles(filesOf(contents), { move: true })));
  assert.deepEqual(results[0], results[1]);
  await assert.rejects(
    one.exclusively(async () => {}),
    { code: "E_STORE_BUSY", message: /another process has it open/ },
  );
  await other.close();
  assert.equal(await one.exclusively(async () => 1), 1);
  await one.close();
});

test("opening waits for a collection, and says so when it takes too long", async () => {
  const root = await withStore(() => {});
  const store = await openStore(root);
  await store.exclusively(async () => {
    await assert.rejects(openStore(root, { lockTimeout: 30 }), { code: "E_STORE_BUSY", message: /collects or repairs/ });
  });
  await store.close();
});

test("what a killed process wrote aside is removed by the next one that is alone", async () => {
  const root = await withStore(() => {});
  const leftover = join(root, "tmp", "leftover");
  const first = await openStore(root);
  writeFileSync(leftover, "half");
  const second = await openStore(root);
  assert.equal(existsSync(leftover), true);
  await Promise.all([first.close(), second.close()]);
  await (await openStore(root)).close();
  assert.equal(existsSync(leftover), false);
});

test("after a power cut torn objects are removed and whole ones stay", async () => {
  const objects: ObjectId[] = [];
  const root = await withStore((store) => {
    objects.push(store.add(Buffer.from("whole")), store.add(Buffer.from("torn")));
    chmodSync(store.pathOf(objects[1]!), 0o644);
    writeFileSync(store.pathOf(objects[1]!), "");
  });
  const marks = readdirSync(join(root, "unsynced"));
  assert.equal(marks.length, 1);
  // Another boot id: the machine went down before the objects were synced.
  rmSync(join(root, "unsynced", marks[0]!));
  writeFileSync(join(root, "unsynced", "00000000-0000-0000-0000-000000000000.0"), "");
  const store = await openStore(root);
  assert.deepEqual(
    objects.map((object) => store.has(object)),
    [true, false],
  );
  assert.deepEqual(readdirSync(join(root, "unsynced")), []);
  await store.close();
});

test("flush takes the mark of unsynced objects away", async () => {
  await withStore((store) => {
    store.add(Buffer.from("x"));
    assert.equal(readdirSync(join(store.root, "unsynced")).length, 1);
    store.flush();
    assert.deepEqual(readdirSync(join(store.root, "unsynced")), []);
  });
});

test("a store that requires verity does not take objects without it", async () => {
  // tmpfs of this kernel or a file system without the feature; where /dev/shm has verity the object is simply stored.
  const root = mkdtempSync("/dev/shm/ashlar-store-");
  try {
    const store = await openStore(root, { verity: "require" });
    assert.throws(() => store.add(Buffer.from("x")), { code: "E_VERITY_UNSUPPORTED", hint: /tune2fs/ });
    assert.deepEqual(readdirSync(join(root, "tmp")), []);
    assert.deepEqual(readdirSync(join(root, "objects")), []);
    await store.close();
    const lenient = await openStore(root, { verity: "try" });
    assert.equal(lenient.has(lenient.add(Buffer.from("x"))), true);
    await lenient.close();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("references are sorted, replaced whole, and durable after what they refer to", async () => {
  await withStore((store) => {
    assert.deepEqual(listRefs(store, "build"), []);
    store.add(Buffer.from("x"));
    putRef(store, "build", "web", { image: 1 });
    assert.deepEqual(readdirSync(join(store.root, "unsynced")), []);
    putRef(store, "build", "kiosk", "text");
    putRef(store, "build", "web", { image: 2 });
    assert.deepEqual(listRefs(store, "build"), [
      { name: "kiosk", value: "text" },
      { name: "web", value: { image: 2 } },
    ]);
    assert.equal(removeRef(store, "build", "web"), true);
    assert.equal(removeRef(store, "build", "web"), false);
    assert.deepEqual(
      listRefs(store, "build").map(({ name }) => name),
      ["kiosk"],
    );
  });
});

test("a reference that cannot be read or named is an error, never a missing root", async () => {
  await withStore((store) => {
    putRef(store, "build", "web", {});
    appendFileSync(join(store.root, "refs/build/web.json"), "}");
    assert.throws(() => listRefs(store, "build"), { code: "E_STORE_BAD_REF", message: /refs\/build\/web\.json/ });
    for (const name of ["", "..", "a/b", ".hidden", "a".repeat(129), "a\n"])
      assert.throws(() => putRef(store, "build", name, 1), { code: "E_STORE_BAD_REF" });
  });
});
