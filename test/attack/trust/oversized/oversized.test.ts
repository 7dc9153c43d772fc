/** Files that do not end, or are nested without end: little is read, and it is said. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { TIMESTAMP_FILE, metadataPath } from "#registry/trust/layout.ts";
import { openTrustLab, pathOf, refuses } from "../../../support/trust-lab.ts";
import type { TrustLab } from "../../../support/trust-lab.ts";

const ROLES = ["timestamp", "snapshot", "targets"] as const;

for (const role of ROLES)
  void test(`${role} metadata of 50 MB is not read to its end`, async () => {
    await using lab = await openTrustLab();
    await lab.publisher.release(lab.releases, 2);
    writeFileSync(pathOf(lab.releases, role), Buffer.alloc(50 * 1024 * 1024, " "));
    await refuses(lab, "E_TRUST_SIZE");
  });

void test("a root of 50 MB is not read to its end, one that is nested without end is none", async () => {
  await using lab = await openTrustLab();
  await lab.publisher.release(lab.releases, 2);
  const path = join(lab.releases, metadataPath("root", 2));
  writeFileSync(path, Buffer.alloc(50 * 1024 * 1024, " "));
  await refuses(lab, "E_TRUST_SIZE");
  writeFileSync(path, "[".repeat(60_000));
  await refuses(lab, "E_TRUST_MALFORMED");
  const deep = `${'{"a":'.repeat(9000)}1${"}".repeat(9000)}`;
  writeFileSync(path, readFileSync(join(lab.releases, metadataPath("root", 1)), "utf8").replace('"signed":{', `"signed":{"deep":${deep},`));
  await refuses(lab, "E_TRUST_ROOT");
});

void test("a server that never ends its answer is left after what a timestamp may have", async () => {
  await using lab = await openTrustLab();
  await lab.publisher.release(lab.releases, 2);
  let sent = 0;
  const server = createServer((request, response) => {
    const name = (request.url ?? "/").slice(1);
    if (name !== TIMESTAMP_FILE) {
      answer(lab, name, response);
      return;
    }
    const push = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 32))) sent += 65_536;
    };
    response.on("drain", push);
    push();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await refuses(lab, "E_TRUST_SIZE", { from: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were sent`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

function answer(
  { releases }: TrustLab,
  name: string,
  response: { writeHead(code: number): { end(): void }; end(bytes: Buffer): void },
): void {
  try {
    response.end(readFileSync(join(releases, name)));
  } catch {
    response.writeHead(404).end();
  }
}
