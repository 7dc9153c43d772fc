/** Every example builds, from the packages of today, into an image that the reference tools make and accept too. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildSystem, dumpImage } from "#pipeline";
import { silentReporter } from "#report/reporter.ts";
import { openStore } from "#store/open.ts";
import { openToolchain } from "#toolchain/open.ts";
import { runInToolchain } from "#toolchain/sandbox.ts";
import { dumpText, parseTree } from "#tree/dump.ts";
import { composefsOracle } from "../oracle/composefs.ts";
import { openWorkspace } from "#workspace";
import { copyExamples } from "../support/build-lab.ts";

/** The machine's own: other tests build the same packages. */
const context = { workspace: openWorkspace(), report: silentReporter };
const oracle = await composefsOracle();
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "ashlar-examples-"));
  copyExamples(join(folder, "project"));
});
after(() => rmSync(folder, { recursive: true }));

for (const name of ["minimal", "web", "kiosk"]) {
  void test(`the example "${name}" builds, and the reference tools agree`, async (t) => {
    const { image } = await buildSystem({ config: join(folder, "project", name, "system.ts") }, context);
    assert.ok(image.kernel);
    const dump = await dumpImage({ digest: image.digest }, context);
    assert.equal(dumpText(parseTree(dump)), dump);

    const store = await openStore(context.workspace.store);
    const [bytes, path] = [store.read(image.digest), store.pathOf(image.digest)];
    await store.close();
    const toolchain = await openToolchain("build", context);
    await runInToolchain(toolchain, "fsck.erofs", ["/tmp/image"], { binds: [{ from: path, to: "/tmp/image", readonly: true }] });
    if (typeof oracle === "string") return t.diagnostic(oracle);
    assert.ok(bytes.equals(await oracle.mkcomposefs(dump)), "mkcomposefs makes another image of the dump");
    await oracle.fsck(bytes);
  });
}
