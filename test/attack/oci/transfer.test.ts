/** What a registry, or somebody in its place, can do with bytes on the wire. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { MEDIA, OCI_MANIFEST_MAX } from "#registry/oci/manifest.ts";
import type { Descriptor } from "#registry/oci/manifest.ts";
import { readBlob, resolveImage } from "#registry/oci/repository.ts";
import { treeOfLayers } from "#registry/oci/tree.ts";
import { unpacked } from "#registry/oci/unpack.ts";
import { silentReporter } from "#report/reporter.ts";
import type { Store } from "#store/store.ts";
import { writeTar } from "#formats/tar/writer.ts";
import { describe, digestOf, hostileRegistry, manifestOf } from "../../support/hostile-registry.ts";
import type { Answer } from "../../support/hostile-registry.ts";
import { openTestStore, scratch } from "../../support/release-fixture.ts";

const place = scratch();
let store: Store;
before(async () => void (store = await openTestStore(join(place.path, "store"))));
after(async () => {
  await store.close();
  place[Symbol.dispose]();
});

const CONTENT = Buffer.from("what it should be");
const blob = describe(CONTENT);
const at = (descriptor: Descriptor): string => `blobs/${descriptor.digest}`;
const nothingStored = (): void => assert.deepEqual(readdirSync(join(store.root, "objects")), []);

const wrong: readonly [what: string, answer: Answer | Buffer, code: string][] = [
  ["other bytes of the same length", Buffer.from("what it can't be."), "E_OCI_DIGEST"],
  [
    "fewer bytes, without a length",
    (_request, response) => void response.writeHead(200, { "transfer-encoding": "chunked" }).end("what"),
    "E_OCI_UNREACHABLE",
  ],
  [
    "a connection that ends early",
    (_request, response) => void response.writeHead(200, { "content-length": 17 }).write("what", () => response.destroy()),
    "E_OCI_UNREACHABLE",
  ],
  ["more bytes than announced", Buffer.concat([CONTENT, Buffer.from("!")]), "E_OCI_SIZE"],
  ["bytes without end", endless, "E_OCI_SIZE"],
  ["nothing at all", (_request, response) => void response.writeHead(200), "E_OCI_UNREACHABLE"],
];

async function endless(_request: unknown, response: Parameters<Answer>[1]): Promise<void> {
  response.writeHead(200);
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
  };
  response.on("drain", more);
  more();
}

for (const [what, answer, code] of wrong)
  void test(`${what}: ${code}`, async () => {
    await using registry = await hostileRegistry({ [at(blob)]: answer });
    await assert.rejects(readBlob(registry.repository({ stall: 300 }), blob), { code });
  });

void test("a manifest that is larger than any is not read to its end", async () => {
  await using registry = await hostileRegistry({ "manifests/latest": "x".repeat(OCI_MANIFEST_MAX + 1) });
  await assert.rejects(resolveImage(registry.repository(), undefined), { code: "E_OCI_SIZE" });
});

void test("a blob that announces more than it may have is not asked for", async () => {
  await using registry = await hostileRegistry({ [at(blob)]: CONTENT });
  await assert.rejects(readBlob(registry.repository(), { ...blob, size: 2 ** 40 }, 1024), { code: "E_OCI_SIZE" });
  assert.equal(registry.requests.length, 0);
});

void test("another manifest than the digest in the address names is refused", async () => {
  const pinned = digestOf("the one that was meant");
  await using registry = await hostileRegistry({ [`manifests/${pinned}`]: manifestOf(blob, []) });
  await assert.rejects(resolveImage(registry.repository(), pinned), { code: "E_OCI_DIGEST" });
});

const bombs: readonly [mediaType: string, bytes: Buffer][] = [
  [`${MEDIA.layer}+gzip`, gzipSync(Buffer.alloc(64 * 1024 * 1024))],
  [`${MEDIA.layer}+zstd`, zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))],
];
for (const [mediaType, bytes] of bombs)
  void test(`${bytes.length} bytes of ${mediaType.split("+")[1]} do not become 64 MiB where 1 MiB is allowed`, async () => {
    await using registry = await hostileRegistry({ [at(describe(bytes))]: bytes });
    const descriptor = describe(bytes, mediaType);
    let seen = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of unpacked(await registry.repository().open(descriptor, 0), descriptor, 1024 * 1024)) seen += chunk.length;
      },
      { code: "E_OCI_SIZE" },
    );
    assert.ok(seen <= 1024 * 1024);
  });

void test("a layer that unpacks to something else than its configuration says", async () => {
  const tar = writeTar([]);
  await using registry = await hostileRegistry({ [at(describe(tar))]: tar });
  const layers = [{ descriptor: describe(tar), diffId: digestOf("a popular layer") }];
  await assert.rejects(
    silentReporter.step("import", (step) => treeOfLayers(registry.repository(), layers, { mtime: 0, store, step })),
    { code: "E_OCI_DIFF_ID" },
  );
  nothingStored();
});

void test("broken compression and unknown compression", async () => {
  const broken = Buffer.from(gzipSync(Buffer.alloc(5000, 7)));
  broken.fill(0xff, 12, 18);
  for (const [bytes, mediaType] of [
    [broken, `${MEDIA.layer}+gzip`],
    [broken, `${MEDIA.layer}+zstd`],
    [broken, `${MEDIA.layer}+lzma`],
  ] as const) {
    const descriptor = describe(bytes, mediaType);
    await using registry = await hostileRegistry({ [at(descriptor)]: bytes });
    const layers = [{ descriptor, diffId: digestOf("") }];
    await assert.rejects(
      silentReporter.step("import", (step) => treeOfLayers(registry.repository(), layers, { mtime: 0, store, step })),
      { code: "E_OCI_LAYER" },
    );
  }
  nothingStored();
});

const texts: readonly [what: string, text: string, type: string, code: string][] = [
  ["a manifest that is an index, too", manifestOf(blob, [], { manifests: [] }), MEDIA.manifest, "E_OCI_AMBIGUOUS"],
  ["a manifest that is served as an index", manifestOf(blob, []), MEDIA.index, "E_OCI_AMBIGUOUS"],
  ["a manifest that calls itself an index", manifestOf(blob, [], { mediaType: MEDIA.index }), MEDIA.manifest, "E_OCI_AMBIGUOUS"],
  ["a digest that is a path", manifestOf({ ...blob, digest: "sha256:../../etc/passwd" as never }, []), MEDIA.manifest, "E_DIGEST_SYNTAX"],
  ["a digest in upper case", manifestOf({ ...blob, digest: blob.digest.toUpperCase() as never }, []), MEDIA.manifest, "E_DIGEST_SYNTAX"],
  ["a short digest", manifestOf({ ...blob, digest: blob.digest.slice(0, 40) as never }, []), MEDIA.manifest, "E_DIGEST_SYNTAX"],
  ["another algorithm", manifestOf({ ...blob, digest: `md5:${"0".repeat(32)}` as never }, []), MEDIA.manifest, "E_DIGEST_SYNTAX"],
  ["a negative size", manifestOf({ ...blob, size: -1 }, []), MEDIA.manifest, "E_OCI_MANIFEST"],
  ["no JSON", "<html>log in first</html>", "text/html", "E_OCI_MANIFEST"],
];
for (const [what, text, type, code] of texts)
  void test(`${what}: ${code}`, async () => {
    await using registry = await hostileRegistry({
      "manifests/latest": (_request, response) => void response.writeHead(200, { "content-type": type }).end(text),
    });
    await assert.rejects(resolveImage(registry.repository(), undefined), { code });
  });
