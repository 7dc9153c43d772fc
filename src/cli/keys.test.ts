/** `ashlar keys` as a person types it. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { runCli } from "../../test/support/cli.ts";
import { openPublisher } from "../../test/support/machine-lab.ts";
import { scratch } from "../../test/support/release-fixture.ts";
import { openRing } from "../registry/trust/ring.ts";

const home = scratch();
after(() => home[Symbol.dispose]());
const cwd = home.path;
const SECRET = "correct horse battery";
const run = (args: string, env: Record<string, string> = {}) =>
  runCli([...args.split(" "), "--progress", "quiet"], { cwd, env, cache: join(home.path, "cache") });

void test("init, status and rotate, with a passphrase from the environment or a file that nothing ever shows", async () => {
  writeFileSync(join(cwd, "passphrase"), `${SECRET}\n`);
  const made = await run("keys init keys", { ASHLAR_KEY_PASSPHRASE: SECRET });
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(made.stdout, /root 1, good until [^]*root +1 of 2:[^]*timestamp 1 of 1:[^]*encrypted[^]*"keys\/1\.root\.json"/);
  const status = JSON.parse((await run("keys status keys --json")).stdout) as {
    root: { version: number };
    roles: { name: string; threshold: number; days: number; keys: { id: string; here: boolean }[] }[];
    files: { encrypted: boolean; roles: string[] }[];
  };
  assert.deepEqual(
    status.roles.map(({ name, threshold, keys }) => [name, threshold, keys.length, keys.every(({ here }) => here)]),
    [
      ["root", 1, 2, true],
      ["targets", 1, 2, true],
      ["snapshot", 1, 1, true],
      ["timestamp", 1, 1, true],
    ],
  );
  assert.ok(status.files.every(({ encrypted }) => encrypted));
  const [gone] = status.roles[0]?.keys ?? [];
  const rotate = `keys rotate --revoke ${gone?.id.slice(0, 8)} keys`;
  const wrong = await run(rotate, { ASHLAR_KEY_PASSPHRASE: "wrong horse battery" });
  assert.match(wrong.stderr, /E_KEYS_PASSPHRASE/);
  const none = await run(rotate);
  assert.match(none.stderr, /nobody is here to give their passphrase[^]*ASHLAR_KEY_PASSPHRASE/);
  assert.ok(!readdirSync(join(cwd, "keys")).includes("2.root.json"));
  const rotated = await run(rotate, { ASHLAR_KEY_PASSPHRASE_FILE: join(cwd, "passphrase") });
  assert.equal(rotated.exitCode, 0, rotated.stderr);
  assert.match(rotated.stdout, /root 2, good until[^]*not in this root any more/);
  for (const { stdout, stderr } of [made, wrong, none, rotated])
    for (const secret of [SECRET, "wrong horse"]) assert.ok(!`${stdout}${stderr}`.includes(secret));
  for (const name of readdirSync(join(cwd, "keys"))) assert.ok(!readFileSync(join(cwd, "keys", name)).includes(SECRET));
});

void test("plain keys are made only when that is said, and shown as such", async () => {
  assert.match((await run("keys init plain")).stderr, /E_KEYS_PASSPHRASE/);
  assert.match((await run("keys init plain", { ASHLAR_KEY_PASSPHRASE: "short" })).stderr, /shorter than 8/);
  const made = await run("keys init --plain --keys 3 --threshold 2 plain");
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(made.stdout, /root +2 of 3[^]*NOT ENCRYPTED/);
  assert.equal((await run("keys rotate plain")).exitCode, 2);
  assert.equal((await run("keys rotate --plain plain")).exitCode, 0);
  // Before anybody is asked for a passphrase.
  for (const again of ["keys init --plain plain", "keys init plain"]) assert.match((await run(again)).stderr, /E_KEYS_EXIST/);
  assert.equal((await run("keys init --keys 1 --plain one")).exitCode, 1);
});

void test("renew signs a folder of releases anew, and nothing else", async () => {
  const publisher = await openPublisher(join(cwd, "publisher"), { days: 3 });
  const folder = join(cwd, "releases");
  await publisher.release(folder, 1);
  const before = readFileSync(join(folder, "trust/timestamp.json"));
  const renewed = await run(`keys renew ${publisher.keys.folder} ${folder} --json`);
  assert.equal(renewed.exitCode, 0, renewed.stderr);
  const { expires } = JSON.parse(renewed.stdout) as { expires: string };
  assert.ok(Math.abs(Date.parse(expires) - Date.now() - 3 * 86_400_000) < 60_000);
  assert.notDeepEqual(readFileSync(join(folder, "trust/timestamp.json")), before);
  const nowhere = await run(`keys renew ${publisher.keys.folder} ${join(cwd, "nowhere")}`);
  assert.match(nowhere.stderr, /E_PUBLISH_FOLDER/);
  await publisher.store.close();
});

void test("two people sign in turns, and who has the online key publishes", async () => {
  const publisher = await openPublisher(join(cwd, "together"), { keys: 2, threshold: 2 });
  const [folder, whole] = [join(cwd, "signed-together"), publisher.keys.folder];
  const own = (name: string, ...files: string[]): string => {
    mkdirSync(join(cwd, name));
    for (const file of ["keys.json", "1.root.json", ...files]) copyFileSync(join(whole, file), join(cwd, name, file));
    return name;
  };
  const [ann, bob, timer] = [own("ann", "offline-1.key"), own("bob", "offline-2.key"), own("timer", "online-1.key")];
  const { image } = await publisher.release(folder, 1, { signing: openRing(join(cwd, ann), () => "") });
  const shown = await run(`keys sign --show ${bob} ${folder}`);
  assert.match(shown.stdout, new RegExp(`release 1 of stable, image ${image.digest}\n1 of 2 have signed`), shown.stderr);
  const other = await run(`keys sign --image ${"0".repeat(8)} ${bob} ${folder}`);
  assert.match(other.stderr, /the image [0-9a-f]{64}, another one[^]*E_KEYS_PROPOSAL[^]*nothing was signed/);
  const signed = await run(`keys sign --image ${image.digest.slice(0, 12)} ${bob} ${folder}`);
  assert.match(signed.stdout, /all have signed; where the online key is: ashlar keys renew/, signed.stderr);
  assert.equal(existsSync(join(folder, "trust/timestamp.json")), false);
  const renewed = await run(`keys renew ${timer} ${folder}`);
  assert.equal(renewed.exitCode, 0, renewed.stderr);
  assert.equal(existsSync(join(folder, "trust/timestamp.json")), true);
  assert.match((await run(`keys sign ${bob} ${folder}`)).stderr, /no release waits[^]*E_KEYS_PROPOSAL/);
  writeFileSync(join(folder, "trust/proposed.json"), "{}");
  assert.equal((await run(`keys renew ${timer} ${folder}`)).exitCode, 0, "what nobody can sign keeps no timer from renewing");
  // Keys change in the same way; the proposal travels as a file.
  assert.match((await run(`keys rotate --plain ${ann}`)).stdout, /root 2 is proposed: 1 of 2 have signed/);
  copyFileSync(join(cwd, ann, "2.root.proposed.json"), join(cwd, bob, "2.root.proposed.json"));
  const rotated = JSON.parse((await run(`keys sign ${bob} --json`)).stdout) as { comes: string[]; isDone: boolean };
  assert.deepEqual([rotated.comes.length, rotated.isDone], [1, true]);
  assert.match((await run(`keys status ${bob}`)).stdout, /root 2, good until[^]*root +2 of 3/);
  assert.equal((await run(`keys sign ${bob} oci://registry.example/web`)).exitCode, 2);
  await publisher.store.close();
});

void test("publish wants keys, or to be told that there are none, and not both", async () => {
  for (const args of ["publish out", "publish --keys keys --unsafe-unsigned out"]) {
    const { exitCode, stderr } = await run(args);
    assert.equal(exitCode, 2, stderr);
  }
  assert.match((await run("publish --keys nowhere out")).stderr, /E_KEYS_FOLDER/);
  assert.equal((await run("publish --keys keys --channel Beta/x out")).exitCode, 2);
});
