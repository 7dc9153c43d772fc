/** A manifest that is not the one that was signed. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { manifestPath } from "#registry/layout.ts";
import { forge, openTrustLab, refuses } from "../../../support/trust-lab.ts";
import type { Signed } from "../../../support/trust-lab.ts";

void test("a manifest that is longer, shorter, altered or another release's is refused", async () => {
  await using lab = await openTrustLab();
  await lab.publisher.release(lab.releases, 2);
  rmSync(join(lab.releases, "deltas"), { recursive: true });
  const path = join(lab.releases, manifestPath(2));
  const good = readFileSync(path);
  const altered = Buffer.from(good.toString("utf8").replace('"quiet"', '"shell"'));
  for (const bytes of [
    Buffer.concat([good, Buffer.from(" ")]),
    good.subarray(1),
    altered,
    readFileSync(join(lab.releases, manifestPath(1))),
    Buffer.alloc(40_000_000),
  ]) {
    writeFileSync(path, bytes);
    await refuses(lab, "E_TRUST_MISMATCH");
  }
  rmSync(path);
  await refuses(lab, "E_TRUST_INCOMPLETE");
});

void test("a signed list that says something else of a release than its manifest does is refused", async () => {
  const change =
    (to: Record<string, unknown>) =>
    (signed: Signed): Signed => {
      const targets = signed["targets"] as Record<string, { custom: Record<string, unknown> }>;
      const old = targets["releases/2.json"];
      return { ...signed, targets: { ...targets, "releases/2.json": { ...old, custom: { ...old?.custom, ...to } } } };
    };
  await using lab = await openTrustLab();
  await lab.publisher.release(lab.releases, 2);
  for (const [to, code] of [
    [{ image: "0".repeat(64) }, "E_TRUST_MISMATCH"],
    [{ sequence: 7 }, "E_TRUST_MALFORMED"],
    [{ sequence: -1 }, "E_TRUST_MALFORMED"],
    [{ channel: "../../etc" }, "E_TRUST_MALFORMED"],
    [{ surprise: true }, "E_TRUST_MALFORMED"],
    [{ barrier: "perhaps" }, "E_TRUST_MALFORMED"],
  ] as const) {
    const folder = lab.at("forged");
    cpSync(lab.releases, folder, { recursive: true });
    forge(folder, { keys: lab.publisher.keys, targets: change(to) });
    await refuses(lab, code, { from: folder });
    rmSync(folder, { recursive: true });
  }
});
