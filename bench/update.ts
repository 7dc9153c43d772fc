/**
 * What an update costs: bytes on the wire, seconds and memory of ours and of what others do with the same two trees.
 *
 *   npm run bench:update [-- S1 S2] [--no-peers] [--kills N]     as root; needs a mirror
 *
 * The pair is real: the packages of Debian 13's release, and the same set with security and updates. S1 is a small server, S2
 * has a compiler too. Peers get Debian's tree (modules packed, nothing of Ashlar) and, in rows of their own, the tree that ours
 * has. Their output is not synced to the disk; ours is verified and durable. An absent program is named, not an error.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { silentReporter } from "#report/reporter.ts";
import { exec } from "#sys/exec.ts";
import { openStore } from "#store/open.ts";
import type { Store } from "#store/store.ts";
import { openWorkspace } from "#workspace";
import { sealTree } from "#image/seal.ts";
import type { Image } from "#image/image.ts";
import { messageOf } from "#errors";
import { killed, ours } from "./update/ours.ts";
import type { OurUpdate } from "./update/ours.ts";
import { SETS, changedDebs, pairsOf } from "./update/pair.ts";
import type { Change } from "./update/pair.ts";
import { PEERS } from "./update/peers.ts";
import { bytes, goalLine, mebibytes, percent, ratio, tableOf } from "./update/table.ts";
import type { Goal, Measured } from "./update/table.ts";
import { ourTree, stockTree, writeTrees } from "./update/trees.ts";

const PACKAGES = {
  casync: "casync",
  desync: "desync",
  "erofs-utils": "mkfs.erofs",
  ostree: "ostree",
  time: "time",
  xdelta3: "xdelta3",
  zstd: "zstd",
} as const;
const { values, positionals } = parseArgs({
  options: { peers: { type: "boolean", default: true }, kills: { type: "string", default: "10" } },
  allowNegative: true,
  allowPositionals: true,
});
const scratch = mkdtempSync(join(tmpdir(), "ashlar-update-"));
const context = { workspace: openWorkspace(), report: silentReporter };

try {
  if (values.peers) await installPeers();
  for (const set of positionals.length === 0 ? Object.keys(SETS) : positionals) await measureSet(set);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function measureSet(set: string): Promise<void> {
  const pairs = await pairsOf(set, join(scratch, "project"), context);
  const whole = await pairs.all();
  const store = await openStore(context.workspace.store);
  try {
    const debs = changedDebs(whole);
    const { from, to } = whole;
    print(`${set}: ${whole.name}; ${from.lock.packages.length} → ${to.lock.packages.length} packages, changed .deb files ${bytes(debs)}`);
    const update = await ours([from.record.image, to.record.image], store, join(scratch, `${set}-ours`));
    said(update);
    const peers = values.peers ? await peersOf(whole, store, join(scratch, `${set}-peers`)) : [];
    const debsRow = { what: "of the changed .deb files", is: update.wire / debs, most: 0.35, show: ratio };
    for (const line of tableOf([update, ...peers], update)) print(line);
    for (const goal of [debsRow, ...peerGoals(update, peers), ...ownGoals(update)]) print(goalLine(goal));
    const { again, kills } = await killed(update.place, Number(values.kills));
    const worst = Math.max(...again);
    print(goalLine({ what: `downloaded again after kill -9, worst of ${kills}`, is: worst, most: 0.05, show: percent }));
  } finally {
    await store.close();
  }
  for (const [what, most] of [
    ["kernel", 8e6],
    ["file", 20e3],
    ["package", Infinity],
  ] as const) {
    const change = await pairs[what]();
    const inner = await openStore(context.workspace.store);
    try {
      const update = await ours([change.from.record.image, change.to.record.image], inner, join(scratch, `${set}-${what}`));
      const figures = `${bytes(update.wire)}, made in ${(update.make.wall / 1000).toFixed(1)} s, applied in ${(update.apply.wall / 1000).toFixed(1)} s with ${mebibytes(update.apply.rss / 1024)}`;
      print(`${set}: ${change.name}: ${figures}; changed .deb files ${bytes(changedDebs(change))}`);
      if (most !== Infinity) print(goalLine({ what: change.name, is: update.wire, most, show: bytes }));
    } finally {
      await inner.close();
    }
  }
}

async function peersOf(change: Change, store: Store, folder: string): Promise<Measured[]> {
  mkdirSync(folder);
  const versions = [change.from, change.to] as const;
  const stock = [await stockTree(versions[0], store, context), await stockTree(versions[1], store, context)] as const;
  const same = [ourTree(versions[0], store), ourTree(versions[1], store)] as const;
  const rows: Measured[] = [];
  const images = stock.map((tree, at): Image => ({ ...versions[at]!.record.image, digest: sealTree(tree, store) })) as [Image, Image];
  for (const input of [writeTrees("stock", stock, store, folder), writeTrees("same", same, store, folder)])
    for (const [at, peer] of PEERS.entries()) {
      const name = input.name === "stock" ? peer.name : `${peer.name}, on our tree`;
      const absent = peer.needs.filter((program) => !isHere(program));
      const place = join(folder, `${input.name}-${at}`);
      mkdirSync(place);
      if (absent.length > 0) print(`${name}: absent, this machine has no ${absent.join(", ")}`);
      else rows.push(said({ ...(await peer.run(input, place)), name }));
      rmSync(place, { recursive: true });
    }
  rows.push(said({ ...(await ours(images, store, join(folder, "ours-of-stock"))), name: "ashlar, on Debian's tree" }));
  return rows;
}

/** Prints a row at once: all of them take a while, and who stops in the middle has something. */
function said(row: Measured): Measured {
  print(
    `  ${row.name}: ${bytes(row.wire)}, made in ${(row.make.wall / 1000).toFixed(1)} s, applied in ${(row.apply.wall / 1000).toFixed(1)} s`,
  );
  return row;
}

function peerGoals(update: OurUpdate, peers: readonly Measured[]): Goal[] {
  const goals: Goal[] = [];
  const size = (name: string, most: number): void => {
    const peer = peers.find((row) => row.name === name);
    if (peer !== undefined) goals.push({ what: `bytes ÷ ${name}`, is: update.wire / peer.wire, most, show: ratio });
  };
  const time = (name: string, most: number): void => {
    const peer = peers.find((row) => row.name === name);
    if (peer !== undefined) goals.push({ what: `time to apply ÷ ${name}`, is: update.apply.wall / peer.apply.wall, most, show: ratio });
  };
  size("ostree static-delta", 0.45);
  size("xdelta3, stock flags", 0.55);
  size("xdelta3, tuned, on our tree", 0.85);
  size("casync", 0.3);
  size("desync", 0.3);
  size("plain layer pull, tar.gz", 0.05);
  time("casync", 1 / 5);
  time("desync", 1 / 5);
  time("ostree static-delta", 1 / 2);
  return goals;
}

function ownGoals({ apply, changed }: OurUpdate): Goal[] {
  return [
    { what: "memory to apply", is: apply.rss / 1024, most: 256, show: mebibytes },
    { what: "bytes written ÷ changed bytes", is: apply.written / changed, most: 1.1, show: ratio },
  ];
}

async function installPeers(): Promise<void> {
  for (const [name, program] of Object.entries(PACKAGES))
    try {
      if (isHere(program)) continue;
      await exec("apt-get", ["install", "--yes", "--no-install-recommends", name]);
    } catch (error) {
      print(`${name} cannot be installed here: ${messageOf(error).split("\n").at(-1)}`);
    }
}

function isHere(program: string): boolean {
  return ["/usr/bin", "/bin", "/usr/sbin"].some((place) => existsSync(join(place, program)));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
