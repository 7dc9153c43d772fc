/**
 * One step of ours as a process of its own, so that it can be measured and killed:
 *
 *   node bench/update/ours-run.ts make STORE FOLDER PAIR     makes the difference into a release folder
 *   node bench/update/ours-run.ts apply STORE SOURCE PAIR    a machine's store gets the new image: verified and durable
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createReporter } from "#report/reporter.ts";
import type { Image } from "#image/image.ts";
import type { ObjectId } from "#store/object.ts";
import { openStore } from "#store/open.ts";
import type { Store } from "#store/store.ts";
import { writeAll } from "#sys/write-all.ts";
import { renderIndex } from "../../src/registry/delta/index-file.ts";
import { deltaFiles } from "../../src/registry/delta/layout.ts";
import { makeDelta } from "../../src/registry/delta/make.ts";
import type { Side } from "../../src/registry/delta/make.ts";
import { fetchObjects } from "../../src/registry/fetch-objects.ts";
import { openSource } from "../../src/registry/source.ts";
import type { ReleaseObject } from "../../src/registry/release.ts";

/** What a pair file holds. */
export interface OurPair {
  readonly from: { readonly image: Image; readonly objects: readonly ReleaseObject[] };
  readonly to: { readonly image: Image; readonly objects: readonly ReleaseObject[] };
}

const [what, root = "", place = "", pairFile = ""] = process.argv.slice(2);
const { from, to } = JSON.parse(readFileSync(pairFile, "utf8")) as OurPair;
const store = await openStore(root);
const report = createReporter((event) => {
  // Whatever does not come as a difference would make the figures wrong.
  if (event.type === "note" && event.level === "warning") throw new Error(event.text);
});
if (what === "make") await report.step("make", (step) => make(store, place, step));
else
  await report.step("apply", (step) =>
    fetchObjects(openSource(place), to.objects, store, step, {
      image: to.image.digest,
      bases: [{ image: from.image.digest, name: "the old image" }],
    }),
  );
store.flush();
store.addImage(to.image.digest);
store.flush();
await store.close();

async function make(host: Store, folder: string, step: Parameters<typeof makeDelta>[3]): Promise<void> {
  const files = deltaFiles(to.image.digest, from.image.digest);
  mkdirSync(dirname(join(folder, files.data)), { recursive: true });
  const fd = openSync(join(folder, files.data), "w");
  const write = (bytes: Buffer): void => {
    writeAll(fd, bytes);
  };
  const index = await makeDelta(sideOf(from, host), sideOf(to, host), { path: files.data, write }, step);
  closeSync(fd);
  writeFileSync(join(folder, files.index), renderIndex(index));
}

function sideOf({ image, objects }: OurPair["from"], host: Store): Side {
  const boot = image.kernel === undefined ? [] : [image.kernel.linux, image.kernel.initrd];
  return { image: image.digest, boot, objects, read: (object: ObjectId) => host.read(object) };
}
