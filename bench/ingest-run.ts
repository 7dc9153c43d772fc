/** One ingest, as a process of its own: `node bench/ingest-run.ts FOLDER STORE move|copy`. */
import { sealTree } from "#image/seal.ts";
import { openStore } from "#store/open.ts";
import { scanTree } from "#tree/scan.ts";

const [folder = "", root = "", how] = process.argv.slice(2);
const store = await openStore(root);
const image = sealTree(await scanTree(folder, store, { mtime: 0, move: how === "move" }), store);
store.flush();
store.addImage(image);
store.flush();
await store.close();
