/** Probes of the network against real servers on the loopback. */
import assert from "node:assert/strict";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { after, before, test } from "node:test";
import { probe } from "./probe.ts";
import type { ProbeResult } from "./probe.ts";

const QUICK = { deadline: 1, retries: 0, interval: 1 };
const servers: Server[] = [];
const ports = { page: 0, mute: 0, free: 0 };
let asked = 0;

before(async () => {
  const page = createHttp((request, response) => {
    asked += 1;
    if (request.url === "/later") response.writeHead(asked < 2 ? 503 : 200).end();
    else if (request.url === "/broken") response.writeHead(500).end("no database\n");
    else if (request.url === "/moved") response.writeHead(302, { location: "/" }).end();
    else response.end(request.headers.host);
  });
  // Accepts, and never says a word.
  const mute = createServer((socket) => void socket.on("error", () => {}));
  const gone = createServer();
  for (const server of [page, mute, gone]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  [ports.page = 0, ports.mute = 0, ports.free = 0] = [page, mute, gone].map((server) => (server.address() as AddressInfo).port);
  gone.close();
  servers.push(page, mute);
});
after(() => {
  for (const server of servers) server.close();
});

async function one(part: Omit<Parameters<typeof probe>[0], "units" | "commands">): Promise<ProbeResult> {
  const [result] = await probe({ units: [], commands: [], ...part });
  assert.ok(result !== undefined);
  return result;
}

const tcp = (port: number): Promise<ProbeResult> => one({ tcp: [{ name: `port ${port}`, host: "127.0.0.1", port, ...QUICK }] });
const http = (path: string, port: number, more = {}): Promise<ProbeResult> =>
  one({ http: [{ name: path, url: `http://localhost:${port}${path}`, status: 200, ...QUICK, ...more }] });

test("a port that accepts passes, also one that then says nothing; a closed one says why", async () => {
  assert.equal((await tcp(ports.page)).passed, true);
  assert.equal((await tcp(ports.mute)).passed, true);
  assert.match((await tcp(ports.free)).reason ?? "", new RegExp(`^127\\.0\\.0\\.1 port ${ports.free}: .*ECONNREFUSED`));
});

test("a page is judged by its status, and the end of what it said is kept", async () => {
  assert.equal((await http("/", ports.page)).passed, true);
  const broken = await http("/broken", ports.page);
  assert.deepEqual([broken.reason, broken.output], [`http://localhost:${ports.page}/broken answered with 500, not 200`, "no database"]);
  assert.match((await http("/moved", ports.page)).reason ?? "", /answered with 302/);
  assert.equal((await http("/moved", ports.page, { status: 302 })).passed, true);
});

test("a server that never answers fails at the deadline, one that is not there at once", async () => {
  assert.match((await http("/", ports.mute)).reason ?? "", /did not answer within 1000 ms/);
  const { reason, duration } = await http("/", ports.free);
  assert.match(reason ?? "", /ECONNREFUSED/);
  assert.ok(duration < 900);
});

test("a service that is a moment late passes at a further attempt", async () => {
  asked = 0;
  const late = await http("/later", ports.page, { retries: 3 });
  assert.deepEqual([late.passed, asked], [true, 2]);
});

test("space is counted in bytes or as a part of the file system", async () => {
  const space = (free: number, percent: boolean): Promise<ProbeResult> => one({ space: [{ name: "root", path: "/", free, percent }] });
  assert.equal((await space(1, false)).passed, true);
  assert.match((await space(2 ** 60, false)).reason ?? "", /^\/ has .* free of .*, and .* must be$/);
  assert.equal((await space(100, true)).passed, false);
  assert.match((await one({ space: [{ name: "x", path: "/nonexistent", free: 1, percent: false }] })).reason ?? "", /ENOENT/);
});
