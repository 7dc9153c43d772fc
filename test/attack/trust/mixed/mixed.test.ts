/** Files of different times put together: each is signed, and together they were never published. */
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { forge, openTrustLab, pathOf, refuses } from "../../../support/trust-lab.ts";

for (const role of ["snapshot", "targets"] as const)
  void test(`an older ${role} under the name of the new one is refused`, async () => {
    await using lab = await openTrustLab();
    const old = readFileSync(pathOf(lab.releases, role));
    await lab.publisher.release(lab.releases, 2);
    writeFileSync(pathOf(lab.releases, role), old);
    await refuses(lab, "E_TRUST_MISMATCH");
  });

void test("metadata that says another version than what names it is refused", async () => {
  for (const role of ["snapshot", "targets"] as const) {
    await using lab = await openTrustLab();
    await lab.publisher.release(lab.releases, 2);
    const above = role === "targets" ? "snapshot" : "timestamp";
    forge(lab.releases, {
      keys: lab.publisher.keys,
      [above]: (signed: { meta: Record<string, { version: number }> }) => ({
        ...signed,
        meta: Object.fromEntries(Object.entries(signed.meta).map(([name, meta]) => [name, { ...meta, version: meta.version + 1 }])),
      }),
    });
    // It is there under that name, too.
    const named = pathOf(lab.releases, above);
    const files = JSON.parse(readFileSync(named, "utf8")) as { signed: { meta: Record<string, { version: number }> } };
    const version = files.signed.meta[`${role}.json`]?.version ?? 0;
    writeFileSync(`${lab.releases}/trust/${version}.${role}.json`, readFileSync(`${lab.releases}/trust/${version - 1}.${role}.json`));
    await refuses(lab, "E_TRUST_MISMATCH");
  }
});
