/** Objects from machines nearby: what comes from them does not come from afar, and the worst of them costs seconds. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { before, test } from "node:test";
import { NEIGHBOUR_FILE, neighbourServer } from "#registry/neighbour-server.ts";
import { serveFolder } from "#registry/serve.ts";
import { installMachine } from "../../../test/support/fake-machine.ts";
import type { FakeMachine } from "../../../test/support/fake-machine.ts";
import { CHANGED_SIZE, json, publisherHere } from "../../../test/support/machine-lab.ts";
import { configure } from "../../../test/support/updates.ts";
import { rootOf } from "../../../test/support/keys.ts";

const { home: place, publisher } = await publisherHere();
const at = (name: string): string => join(place.path, name);
let ahead: FakeMachine;
let count = 0;

before(async () => {
  await publisher.release(at("releases"), 1);
  await publisher.release(at("old"), 1);
  ahead = await machine();
  await publisher.release(at("releases"), 2);
  configure(ahead, { updates: { source: [at("releases")] } });
  assert.equal((await json<Upgraded>(ahead, "upgrade")).outcome, "staged");
});

const machine = (): Promise<FakeMachine> => installMachine(at(`machine-${++count}`), at("old"), rootOf(publisher.keys));

async function listening(server: Server): Promise<AsyncDisposable & { readonly address: string }> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

const storeOf = ({ root }: FakeMachine): string => join(root, "sysroot/ashlar/store");

interface Upgraded {
  readonly outcome: string;
  readonly served: readonly string[];
  readonly passed: readonly { readonly address: string; readonly why: string }[];
}

/** Upgrades a machine that asks this neighbour. @returns also the bytes that its source sent, and milliseconds */
async function upgradeBeside(address: string): Promise<Upgraded & { readonly sent: number; readonly took: number }> {
  const source = await serveFolder(at("releases"));
  const behind = await machine();
  configure(behind, { updates: { source: [source.address], neighbours: { ask: [address], serve: false, port: 1, allow: [] } } });
  const began = performance.now();
  const result = await json<Upgraded>(behind, "upgrade");
  const took = performance.now() - began;
  assert.equal(result.outcome, "staged");
  await source.close();
  return { ...result, sent: source.sent(), took };
}

void test("a neighbour that has the release sends its objects, and the source only the release itself", async () => {
  await using near = await listening(neighbourServer({ store: storeOf(ahead) }));
  const { served, passed, sent } = await upgradeBeside(near.address);
  assert.deepEqual([served, passed], [[near.address], []]);
  assert.ok(sent < CHANGED_SIZE, `${sent} bytes came from the source`);
});

void test("a neighbour gives objects and the list of its images, and nothing else", async () => {
  await using near = await listening(neighbourServer({ store: storeOf(ahead) }));
  const status = async (path: string, method = "GET"): Promise<number> => (await fetch(`${near.address}${path}`, { method })).status;
  assert.equal(await status(`/${NEIGHBOUR_FILE}`), 200);
  for (const path of [
    "/",
    "/objects/",
    "/meta.json",
    "/refs/",
    "/objects/../meta.json",
    "/objects/%2e%2e/meta.json",
    `/objects/aa/${"b".repeat(62)}.zst`,
    `/${NEIGHBOUR_FILE}?x`,
  ])
    assert.equal(await status(path), 404, path);
  for (const method of ["POST", "PUT", "DELETE"]) assert.equal(await status(`/${NEIGHBOUR_FILE}`, method), 405);
});

const images = async (): Promise<string> => {
  await using near = await listening(neighbourServer({ store: storeOf(ahead) }));
  return (await fetch(`${near.address}/${NEIGHBOUR_FILE}`)).text();
};

const bad: readonly (readonly [name: string, why: RegExp, answer: (list: string) => RequestListener, most: number])[] = [
  [
    "that lies about every object",
    /is not object/,
    (list) => (request, response) => void response.end(request.url === `/${NEIGHBOUR_FILE}` ? list : "no zstd"),
    10,
  ],
  [
    "that has lost its objects",
    /is missing/,
    (list) => (request, response) => void (request.url === `/${NEIGHBOUR_FILE}` ? response.end(list) : response.writeHead(404).end()),
    10,
  ],
  ["whose list is none", /is no list of images/, () => (_request, response) => void response.end("{}"), 10],
  ["whose list does not end", /more than the/, () => (_request, response) => void response.end("[".repeat(1_000_000)), 10],
  ["that never answers", /no answer within/, () => () => {}, 10],
  [
    "that trickles",
    /bytes came in \d+ s of waiting/,
    (list) => (request, response) => {
      if (request.url === `/${NEIGHBOUR_FILE}`) {
        response.end(list);
        return;
      }
      const timer = setInterval(() => response.write("x"), 300);
      response.on("close", () => clearInterval(timer));
    },
    15,
  ],
];

for (const [name, why, answer, most] of bad)
  void test(`a neighbour ${name} is left, and the source sends everything`, async () => {
    const server = createServer(answer(await images()));
    await using near = await listening(server);
    const { served, passed, took } = await upgradeBeside(near.address);
    server.closeAllConnections();
    assert.equal(served.length, 1);
    assert.notEqual(served[0], near.address);
    assert.match(passed[0]?.why ?? "", why);
    assert.ok(took < most * 1000 * SLOWNESS, `it took ${took} ms`);
  });

/** A busy host takes its time; what counts is that it is no minute for each object. */
const SLOWNESS = 4;
