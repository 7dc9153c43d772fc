/** Against a real registry, with skopeo and podman as second opinions. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { entriesOf } from "#formats/composefs/entries.ts";
import { renderDumpfile } from "#formats/composefs/dumpfile.ts";
import { fetchObjects } from "#registry/fetch-objects.ts";
import { fetchRelease } from "#registry/fetch.ts";
import { findImage, importImage } from "#registry/oci/import.ts";
import type { ImportedImage } from "#registry/oci/import.ts";
import { blobPath } from "#registry/oci/layout.ts";
import { pullImage } from "#registry/oci/pull.ts";
import { nextSequence, pushImage } from "#registry/oci/push.ts";
import { parseReference, releaseTag } from "#registry/oci/reference.ts";
import { openSession, registryRepository } from "#registry/oci/registry.ts";
import type { RegistryOptions } from "#registry/oci/registry.ts";
import type { OciRepository } from "#registry/oci/repository.ts";
import { TRUST_TAG } from "#registry/oci/trust.ts";
import { openSource } from "#registry/source.ts";
import { silentReporter } from "#report/reporter.ts";
import { importOci, pullOci, pushOci, renewTrust } from "#pipeline";
import { openStore } from "#store/open.ts";
import { listRefs } from "#store/refs.ts";
import type { Store } from "#store/store.ts";
import { dumpText } from "#tree/dump.ts";
import type { TreeNode } from "#tree/tree.ts";
import { exportFixture, ociParts } from "../support/oci-fixture.ts";
import type { ExportedFixture } from "../support/oci-fixture.ts";
import { ociTools, startRegistry } from "../support/oci-tools.ts";
import type { OciTools, RegistryServer } from "../support/oci-tools.ts";
import { workspaceIn } from "../support/build-lab.ts";
import { ashlar, bootState, json, openLab, openPublisher } from "../support/machine-lab.ts";
import { podmanRun } from "../support/podman.ts";
import { openTestStore, scratch } from "../support/release-fixture.ts";
import type { KeyRing } from "#registry/trust/ring.ts";
import { makeKeys, trustIn } from "../support/keys.ts";

const place = scratch();
const at = (name: string): string => join(place.path, name);
const keys = makeKeys(at("keys"));
const trust = trustIn(keys);
let tools: OciTools;
let registry: RegistryServer;
let store: Store;
let exported: ExportedFixture;

before(async () => {
  tools = await ociTools();
  registry = await startRegistry(tools);
  store = await openTestStore(at("store"));
  exported = await exportFixture(at("layout"), ociParts(store), { keys });
});
after(async () => {
  await store.close();
  await registry[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

const session = (address: string, options: RegistryOptions = {}) => openSession(parseReference(address), { pause: 1, ...options });
const repository = (address: string, options: RegistryOptions = {}) =>
  registryRepository(session(address, options), parseReference(address));

async function importFrom(from: OciRepository, into: Store): Promise<ImportedImage> {
  const found = await findImage(from);
  return silentReporter.step("import", (step) => importImage(from, found, into, step));
}

function push(address: string, { layout = at("layout"), image = exported, mountFrom, ...options }: PushOptions = {}) {
  const artifacts = [
    { descriptor: image.artifact },
    { descriptor: image.release.artifact, tag: releaseTag(image.release.release.sequence) },
    { descriptor: image.trust, tag: TRUST_TAG },
  ];
  const request = { layout, image: image.descriptor, artifacts, tag: parseReference(address).tag ?? "latest" };
  return silentReporter.step("push", (step) =>
    pushImage(session(address, options), { ...request, ...(mountFrom === undefined ? {} : { mountFrom }) }, step),
  );
}

interface PushOptions extends RegistryOptions {
  readonly layout?: string;
  readonly image?: ExportedFixture;
  readonly mountFrom?: string;
}

void test("pushed, the image is what skopeo inspects, copies and finds right", async () => {
  const address = `oci+http://${registry.host}/team/web:stable`;
  assert.equal(await nextSequence(session(address)), 1);
  const { uploaded, blobs } = await push(address);
  assert.equal(uploaded, blobs);
  assert.equal(await nextSequence(session(address)), 2);
  const { stdout } = await tools.run("usr/bin/skopeo", ["inspect", "--tls-verify=false", `docker://${registry.host}/team/web:stable`]);
  const seen = JSON.parse(stdout.toString()) as { Digest: string; Layers: string[]; Architecture: string };
  assert.equal(seen.Digest, exported.descriptor.digest);
  assert.equal(seen.Layers.length, exported.layers.length);
  assert.equal(seen.Architecture, "amd64");
  const policy = at("policy.json");
  writeFileSync(policy, `{"default":[{"type":"insecureAcceptAnything"}]}`);
  const to = `dir:${at("copied")}`;
  const source = `docker://${registry.host}/team/web:stable`;
  await tools.run("usr/bin/skopeo", ["--policy", policy, "copy", "--src-tls-verify=false", source, to]);
  for (const { descriptor } of exported.layers) assert.ok(existsSync(join(at("copied"), descriptor.digest.slice(7))), descriptor.digest);
  // And the folder itself, without a registry.
  await tools.run("usr/bin/skopeo", ["--policy", policy, "copy", `oci:${at("layout")}:latest`, `dir:${at("copied-too")}`]);
  assert.deepEqual(readFileSync(join(at("copied-too"), "manifest.json")), readFileSync(join(at("copied"), "manifest.json")));
});

void test("imported from the registry's plain layers, the tree is the same to the last attribute", async () => {
  const other = await openTestStore(at("imported"));
  const back = await importFrom(repository(`oci+http://${registry.host}/team/web:stable`), other);
  assert.equal(renderDumpfile(entriesOf(back.tree)), renderDumpfile(entriesOf(ociParts(store).tree)));
  await other.close();
});

void test("a second release sends two layers, and brings a machine only what changed; the tag is looked up once", async () => {
  const address = `oci+http://${registry.host}/team/web:stable`;
  const machine = await openTestStore(at("machine"));
  const first = await fetchRelease(openSource(address), trust);
  await silentReporter.step("fetch", (step) => fetchObjects(openSource(address), first.release.objects, machine, step));
  for (const { object } of first.release.objects) assert.ok(machine.has(object));

  const next = await exportFixture(at("layout"), ociParts(store, { version: "2", epoch: 1_800_000_000 }), { keys, sequence: 2 });
  const { uploaded, bytes } = await push(address, { image: next });
  // Two layers, the configuration; of the artifacts: record, release, contents, the composefs image, and who vouches for it.
  assert.ok(uploaded <= 10, `${uploaded} blobs`);
  assert.ok(bytes < 100_000, `${bytes} bytes`);
  const source = openSource(address);
  const { release, address: origin } = await fetchRelease(source, trust);
  assert.equal(release.sequence, 2);
  assert.equal(origin, `${address}@${next.descriptor.digest}/releases/2.json`);
  const fetched = await silentReporter.step("fetch", (step) => fetchObjects(source, release.objects, machine, step));
  assert.ok(fetched.objects <= 5, `${fetched.objects} objects`);
  for (const { object } of release.objects) assert.ok(machine.has(object));
  // By its digest, the first one is still there.
  const pinned = await fetchRelease(openSource(`oci+http://${registry.host}/team/web@${exported.descriptor.digest}`), trust);
  assert.equal(pinned.release.sequence, 1);
  await machine.close();
});

void test("into another repository of the same registry, layers are mounted and do not travel", async () => {
  const { uploaded, bytes } = await push(`oci+http://${registry.host}/other/web:stable`, { mountFrom: "team/web" });
  assert.deepEqual([uploaded, bytes], [0, 0]);
});

void test("a pull that was cut off goes on with the next one", async () => {
  const address = `oci+http://${registry.host}/team/web@${exported.descriptor.digest}`;
  const layout = at("pulled");
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  const big = exported.layers.find(({ group }) => group.name === "package big")?.descriptor;
  assert.ok(big !== undefined);
  const half = readFileSync(blobPath(at("layout"), big.digest)).subarray(0, Math.floor(big.size / 2));
  writeFileSync(join(layout, "blobs", `.partial-${big.digest.slice(7)}`), half);
  const pulled = await silentReporter.step("pull", (step) => pullImage(repository(address), layout, "latest", step));
  assert.deepEqual(readFileSync(blobPath(layout, big.digest)), readFileSync(blobPath(at("layout"), big.digest)));
  assert.equal(pulled.artifacts.length, 3);
  const all = exported.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  assert.ok(pulled.bytes < all - half.length + 200_000, `${pulled.bytes} bytes`);
  const again = await silentReporter.step("pull", (step) => pullImage(repository(address), layout, "latest", step));
  assert.equal(again.bytes, 0);
  // What was pulled is a source for machines, without any network.
  assert.equal((await fetchRelease(openSource(layout), trust)).release.sequence, 1);
});

void test("a registry with a login and a certificate of its own", async () => {
  const openssl = async (...args: string[]): Promise<void> =>
    void (await tools.run("usr/bin/openssl", args, { env: { OPENSSL_CONF: "/dev/null" } }));
  await openssl(
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1".split(" "),
    ..."-addext subjectAltName=IP:127.0.0.1 -keyout".split(" "),
    at("tls.key"),
    "-out",
    at("tls.crt"),
  );
  // htpasswd of "user" with the password "secret-word" (bcrypt).
  writeFileSync(at("htpasswd"), "user:$2b$05$abcdefghijklmnopqrstuuUOabO4v2PoT/v47Y.znQK.9MsMDnesq\n");
  await using closed = await startRegistry(tools, {
    http: `  tls: {certificate: ${at("tls.crt")}, key: ${at("tls.key")}}`,
    rest: `auth: {htpasswd: {realm: test, path: ${at("htpasswd")}}}`,
  });
  const address = `oci://${closed.host}/team/web:stable`;
  const good = { ca: at("tls.crt"), credentials: { user: "user", password: "secret-word" } };
  await push(address, good);
  const other = await openTestStore(at("private"));
  await importFrom(repository(address, good), other);
  await other.close();

  const seen: unknown[] = [];
  const fails = async (options: RegistryOptions, code: string): Promise<void> => {
    await assert.rejects(push(address, { retries: 0, ...options }), (error: Error & { code?: string }) => {
      seen.push(error.message, JSON.stringify(error), error.stack, String(error.cause));
      return error.code === code;
    });
  };
  await fails({ credentials: good.credentials }, "E_OCI_UNREACHABLE");
  await fails({ ca: good.ca }, "E_OCI_UNAUTHORIZED");
  await fails({ ...good, credentials: { user: "user", password: "wrong-word" } }, "E_OCI_UNAUTHORIZED");
  const text = seen.join("\n");
  for (const secret of ["secret-word", "wrong-word", Buffer.from("user:secret-word").toString("base64")]) assert.ok(!text.includes(secret));
});

void test("podman starts a program of the image, and sees owners, modes and links as they are", async () => {
  const parts = ociParts(store);
  const program = readFileSync(join(tools.root, "usr/bin/busybox"));
  const busybox: TreeNode = { mode: 0o755, uid: 0, gid: 0, kind: "file", content: { object: store.add(program), size: program.length } };
  const nodes = new Map(parts.tree.nodes).set("/usr/bin/busybox", busybox);
  const layout = at("podman-layout");
  await exportFixture(layout, { ...parts, tree: { ...parts.tree, nodes } }, { keys });
  const script = "stat -c '%a %u:%g %h %n' /usr/bin/tool /usr/bin/zlink /tmp; cat /usr/bin/p3";
  const printed = await podmanRun(tools, at("podman"), layout, ["/usr/bin/busybox", "sh", "-c", script]);
  const links = ["4755 0:7 2 /usr/bin/tool", "4755 0:7 2 /usr/bin/zlink", "1777 0:0 2 /tmp"];
  assert.deepEqual(printed.trim().split("\n"), [...links, "#!/bin/sh", "echo p3 1"]);
});

void test("a machine switches to an image by its digest, and takes nothing that a trusted key has not signed", async () => {
  mkdirSync(at("publisher"));
  const publisher = await openPublisher(at("publisher"));
  const { machine } = await openLab(at("lab"), publisher);
  const parts = ociParts(store);
  const signedBy = (ring: KeyRing, sequence: number, layout: string): Promise<ExportedFixture> =>
    exportFixture(at(layout), parts, { keys: ring, sequence });
  const address = `oci+http://${registry.host}/machines/web`;

  await push(`${address}:stranger`, { layout: at("stranger-layout"), image: await signedBy(keys, 9, "stranger-layout") });
  const before = bootState(machine);
  const refused = await ashlar(machine, "switch", `${address}:stranger`, "--json");
  assert.equal(refused.exitCode, 1);
  assert.match(refused.err, /E_TRUST_UNSIGNED/);
  assert.deepEqual(bootState(machine), before);
  const store2 = await openTestStore(join(machine.root, "sysroot/ashlar/store"));
  assert.equal(store2.has(parts.image.digest), false);
  await store2.close();

  const image = await signedBy(publisher.keys, 10, "machine-layout");
  await push(`${address}:stable`, { layout: at("machine-layout"), image });
  const pinned = `${address}:stable@${image.descriptor.digest}`;
  const staged = await json<{ outcome: string; generation: number; fetched: { objects: number } }>(machine, "switch", pinned);
  assert.deepEqual([staged.outcome, staged.generation], ["staged", 2]);
  assert.equal(staged.fetched.objects, image.release.release.objects.length);
  // The record names the image by its digest, also when it came by its tag: damage is healed from there.
  const object = image.release.release.objects[0]?.object ?? "";
  rmSync(join(machine.root, "sysroot/ashlar/store/objects", object.slice(0, 2), object.slice(2)));
  const healed = await ashlar(machine, "fsck", "--repair", "--json");
  assert.equal(healed.exitCode, 0, `${healed.out}${healed.err}`);
  assert.ok(existsSync(join(machine.root, "sysroot/ashlar/store/objects", object.slice(0, 2), object.slice(2))));
  // Older ones are refused, as everywhere.
  const old = await exportFixture(at("old-layout"), ociParts(store, { version: "3" }), { keys: publisher.keys, sequence: 9 });
  await push(`${address}:old`, { layout: at("old-layout"), image: old });
  assert.match((await ashlar(machine, "switch", `${address}:old`, "--json")).err, /E_RELEASE_OLDER/);
  await publisher.store.close();
});

void test("push, pull and import, from one build host to another", async () => {
  const here = workspaceIn(at("here"));
  const there = workspaceIn(at("there"));
  const own = await openStore(here.store);
  const parts = ociParts(own);
  const { image, system, lock } = parts;
  const built = { image, system, lock, dump: own.add(Buffer.from(dumpText(parts.tree), "latin1")) };
  own.flush();
  await own.close();
  const address = `oci+http://${registry.host}/hosts/web:stable`;
  const request = { config: "/nowhere", built, address, release: { signing: keys } };
  const first = await pushOci(request, { workspace: here, report: silentReporter });
  assert.equal(first.release, 1);
  assert.match(first.address, new RegExp(`^oci\\+http://${registry.host}/hosts/web:stable@sha256:[0-9a-f]{64}$`));
  const second = await pushOci(request, { workspace: here, report: silentReporter });
  // The release has another number: its manifest, targets, snapshot and timestamp; the image and the root are there.
  assert.equal(second.release, 2);
  assert.equal(second.uploaded, 4);
  const known = await fetchRelease(openSource(address), trust);
  const renewed = await renewTrust({ signing: keys, place: address }, { workspace: here, report: silentReporter });
  assert.equal(renewed.root, 1);
  const later = Math.floor(Date.parse(renewed.expires) / 1000) - 60;
  assert.deepEqual((await fetchRelease(openSource(address), { ...trust, now: later })).release, known.release);
  assert.deepEqual(readdirSync(here.work), []);

  const context = { workspace: there, report: silentReporter };
  const foreign = () => Promise.reject(new Error("it is an image of Ashlar"));
  await pullOci({ address: second.address, folder: at("carried") }, context);
  for (const from of [at("carried"), first.address]) assert.equal((await importOci({ from, foreign }, context)).image.digest, image.digest);
  // Whoever knows the keys gets what these sign, also from a folder, and nothing else.
  const [root, strangers] = [keys, makeKeys(at("strangers"))].map(({ roots }) => roots.at(-1)!) as [Buffer, Buffer];
  for (const from of [at("carried"), first.address])
    assert.equal((await importOci({ from, foreign, root }, context)).image.digest, image.digest);
  await assert.rejects(importOci({ from: first.address, foreign, root: strangers }, context), { code: "E_TRUST_UNSIGNED" });
  const { release: _signed, ...plain } = request;
  const bare = { ...plain, address: `oci+http://${registry.host}/hosts/bare:1` };
  const unsigned = await pushOci(bare, { workspace: here, report: silentReporter });
  await assert.rejects(importOci({ from: unsigned.address, foreign, root }, context), { code: "E_TRUST_INCOMPLETE" });
  // An image beside signed ones, that nobody signed.
  const more = await openStore(here.store);
  const other = ociParts(more, { version: "3" });
  const { address: beside } = await pushOci(
    {
      ...plain,
      address: `oci+http://${registry.host}/hosts/web:other`,
      built: { image: other.image, system: other.system, lock: other.lock, dump: more.add(Buffer.from(dumpText(other.tree), "latin1")) },
    },
    { workspace: here, report: silentReporter },
  );
  await more.close();
  await assert.rejects(importOci({ from: beside, foreign, root }, context), { code: "E_IMPORT_UNSIGNED" });
  const store = await openStore(there.store);
  assert.equal(listRefs(store, "images").length, 1);
  await store.close();
});
