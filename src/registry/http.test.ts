/** Servers that fail as real ones do. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { noise } from "../../test/support/release-fixture.ts";
import { httpSource } from "./http.ts";
import { readFrom } from "./stream.ts";

const CONTENT = noise(1, 300_000);
const QUICK = { retries: 3, pause: 1, stall: 5000 };

interface Served {
  readonly address: string;
  readonly requests: IncomingMessage[];
  [Symbol.asyncDispose](): Promise<void>;
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse, attempt: number) => void): Promise<Served> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response, requests.length);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases/`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

const from = (request: IncomingMessage): number => Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "bytes=0-")?.[1]);

/** Sends a piece and hangs up, as if the network had gone. */
function breakOff(response: ServerResponse, status: number, content: Buffer, sent: number): void {
  response.writeHead(status, { "content-length": content.length });
  response.write(content.subarray(0, sent), () => setTimeout(() => response.destroy(), 20));
}

test("a transfer that breaks off goes on from where it stopped", async () => {
  await using server = await serve((request, response, attempt) => {
    const rest = CONTENT.subarray(from(request));
    if (attempt < 4) breakOff(response, attempt === 1 ? 200 : 206, rest, 70_000);
    else response.writeHead(206, { "content-length": rest.length }).end(rest);
  });
  assert.deepEqual(await readFrom(httpSource(server.address, QUICK), "object", CONTENT.length), CONTENT);
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.range),
    [undefined, "bytes=70000-", "bytes=140000-", "bytes=210000-"],
  );
});

test("a server that does no ranges is read again from the start, and nothing comes twice", async () => {
  await using server = await serve((_request, response, attempt) => {
    if (attempt === 1) breakOff(response, 200, CONTENT, 100_000);
    else response.writeHead(200, { "content-length": CONTENT.length }).end(CONTENT);
  });
  assert.deepEqual(await readFrom(httpSource(server.address, QUICK), "object", CONTENT.length), CONTENT);
});

test("a busy server is asked again, a missing file and a refusal are not", async () => {
  await using busy = await serve((_request, response, attempt) => {
    if (attempt < 3) response.writeHead(503, { "retry-after": "0" }).end();
    else response.end("ok");
  });
  assert.equal(String(await readFrom(httpSource(busy.address, QUICK), "x", 10)), "ok");
  await using absent = await serve((_request, response) => void response.writeHead(404).end());
  assert.equal(await readFrom(httpSource(absent.address, QUICK), "x", 10), undefined);
  assert.equal(absent.requests.length, 1);
  await using forbidden = await serve((_request, response) => void response.writeHead(403).end());
  await assert.rejects(readFrom(httpSource(forbidden.address, QUICK), "x", 10), {
    code: "E_SOURCE_UNREACHABLE",
    message: /releases\/x cannot be read: the server answered 403 Forbidden/,
  });
  assert.equal(forbidden.requests.length, 1);
});

test("a silent server is given up, before and within an answer", async () => {
  await using mute = await serve(() => {});
  await assert.rejects(readFrom(httpSource(mute.address, { retries: 1, pause: 1, stall: 50 }), "x", 10), {
    code: "E_SOURCE_UNREACHABLE",
    message: /no answer within 50 ms/,
  });
  assert.ok(mute.requests.length <= 2, "no more retries than asked for");
  await using stuck = await serve((_request, response) => {
    response.writeHead(200, { "content-length": 10 });
    response.write("1");
  });
  await assert.rejects(readFrom(httpSource(stuck.address, { retries: 1, pause: 1, stall: 50 }), "x", 10), { code: "E_SOURCE_UNREACHABLE" });
});

test("a reader that takes longer than a server may be silent gets all of it, by one request", async () => {
  await using server = await serve((_request, response) => void response.end(CONTENT));
  const stream = await httpSource(server.address, { retries: 0, pause: 1, stall: 60 }).open("object", CONTENT.length);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream ?? []) {
    chunks.push(chunk);
    await sleep(100);
  }
  assert.deepEqual(Buffer.concat(chunks), CONTENT);
  assert.equal(server.requests.length, 1);
});

test("nobody listening is an error that says so", async () => {
  await assert.rejects(readFrom(httpSource("http://127.0.0.1:9", QUICK), "x", 10), {
    code: "E_SOURCE_UNREACHABLE",
    message: /127\.0\.0\.1:9\/x cannot be read/,
  });
});

test("more bytes than announced by the release are not read", async () => {
  await using server = await serve((_request, response) => void response.end(CONTENT));
  await assert.rejects(readFrom(httpSource(server.address, QUICK), "object", 1000), {
    code: "E_OBJECT_DIGEST",
    message: /more than the 1000 bytes/,
  });
});
