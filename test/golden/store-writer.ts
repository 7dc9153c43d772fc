/** A process that stores the files of a folder and is killed meanwhile: `node store-writer.ts STORE FOLDER move|copy MILLISECONDS`. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "#store/open.ts";

const [root = "", folder = "", how, delay] = process.argv.slice(2);
const store = await openStore(root, { workers: 2 });
const files = readdirSync(folder).map((name) => ({ path: join(folder, name), size: statSync(join(folder, name)).size }));
setTimeout(() => process.kill(process.pid, "SIGKILL"), Number(delay));
await store.addFiles(files, { move: how === "move" });
// Everything was stored before the moment came: wait for it, so that the end is always the same.
await new Promise(() => setInterval(() => {}, 1000));
