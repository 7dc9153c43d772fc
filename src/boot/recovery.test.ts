import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import * as fc from "fast-check";
import type { ObjectId } from "#store/object.ts";
import { espFiles } from "./esp.ts";
import { readLoader } from "./loader.ts";
import { sortEntries } from "./order.ts";
import type { OrderedEntry } from "./order.ts";
import { offerRecovery, readRecovery, recoveryKinds } from "./recovery.ts";

const DIGEST = "ab".repeat(32) as ObjectId;
const image = {
  digest: DIGEST,
  name: "web",
  epoch: 0,
  kernel: { version: "6", arguments: ["quiet"], linux: DIGEST, initrd: DIGEST },
  boot: { timeout: 3, tries: 3 },
};
const options = {
  image: image as unknown as Parameters<typeof espFiles>[0]["image"],
  linux: Buffer.from("linux"),
  initrd: Buffer.from("initrd"),
  systemdBoot: Buffer.from("loader"),
  generation: 1,
};

let esp: string;
beforeEach(() => {
  esp = mkdtempSync(join(tmpdir(), "ashlar-recovery-"));
  for (const { path, content } of espFiles({ ...options, recovery: ["failsafe", "reset"] })) {
    mkdirSync(dirname(join(esp, path)), { recursive: true });
    writeFileSync(join(esp, path), content);
  }
});
afterEach(() => rmSync(esp, { recursive: true }));

const names = (): string[] => readdirSync(join(esp, "loader/entries"));

test("a fresh ESP offers what the config allows, after the generation, and it starts the generation's own image", () => {
  assert.deepEqual(names(), ["ashlar-000001+3.conf", "ashlar-failsafe+0.conf", "ashlar-reset+0.conf"]);
  const { entries, next, activation } = readLoader(esp);
  assert.deepEqual(
    entries.map(({ id }) => id),
    ["ashlar-000001", "ashlar-failsafe", "ashlar-reset"],
  );
  assert.equal(next?.entry?.generation, 1);
  assert.equal(activation, 1);
  assert.deepEqual(
    readRecovery(esp).map(({ kind, entry }) => [kind, entry.generation, entry.image]),
    [
      ["failsafe", 1, DIGEST],
      ["reset", 1, DIGEST],
    ],
  );
  const text = readFileSync(join(esp, "loader/entries/ashlar-failsafe+0.conf"), "utf8");
  assert.match(
    text,
    /^options composefs=\S+ root=PARTLABEL=ashlar rootfstype=ext4 ro ashlar\.generation=1 ashlar\.failsafe systemd\.unit=/m,
  );
  assert.match(text, / systemd\.mask=systemd-bless-boot\.service panic=30 quiet$/m);
});

test("no generation, in whatever state, is passed over for Failsafe or Factory reset", () => {
  const tries = fc.option(fc.record({ left: fc.integer({ min: 0, max: 3 }), done: fc.integer({ min: 0, max: 3 }) }), { nil: undefined });
  const generation = fc.record({ number: fc.integer({ min: 1, max: 999 }), activation: fc.integer({ min: 1, max: 999 }), tries });
  fc.assert(
    fc.property(fc.array(generation, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 2 }), (generations, chosen) => {
      const six = (number: number): string => String(number).padStart(6, "0");
      const entries: OrderedEntry[] = [
        ...["failsafe", "reset"].map((kind) => ({
          id: `ashlar-${kind}`,
          sortKey: `ashlar-${kind}`,
          version: "999999",
          tries: { left: 0, done: chosen },
        })),
        ...generations.map(({ number, activation, tries }) => ({
          id: `ashlar-${six(number)}`,
          sortKey: "ashlar",
          version: six(activation),
          tries,
        })),
      ];
      assert.deepEqual(
        sortEntries(entries)
          .slice(-2)
          .map(({ id }) => id),
        ["ashlar-failsafe", "ashlar-reset"],
      );
    }),
  );
});

test("what is right is not written again; what was chosen, blessed by mistake, changed or damaged is put right", () => {
  const at = (name: string): string => join(esp, "loader/entries", name);
  offerRecovery(esp, 1, ["failsafe", "reset"]);
  // systemd-boot counts a choice; that is no reason to write.
  renameSync(at("ashlar-failsafe+0.conf"), at("ashlar-failsafe+0-1.conf"));
  offerRecovery(esp, 1, ["failsafe", "reset"]);
  assert.ok(names().includes("ashlar-failsafe+0-1.conf"));
  renameSync(at("ashlar-failsafe+0-1.conf"), at("ashlar-failsafe.conf"));
  writeFileSync(at("ashlar-reset+0.conf"), "title x\n");
  assert.deepEqual(
    readRecovery(esp).map(({ kind }) => kind),
    ["failsafe"],
  );
  offerRecovery(esp, 1, ["failsafe", "reset"]);
  assert.deepEqual(names(), ["ashlar-000001+3.conf", "ashlar-failsafe+0.conf", "ashlar-reset+0.conf"]);
  assert.equal(readRecovery(esp).length, 2);
  offerRecovery(esp, 1, []);
  assert.deepEqual(names(), ["ashlar-000001+3.conf"]);
  assert.throws(() => offerRecovery(esp, 7, ["failsafe"]), { code: "E_ENTRY_MISSING" });
});

test("a login is what Failsafe asks for unless the config says otherwise, and nobody erases data from the menu", () => {
  const boot = { timeout: 3, tries: 3, deadline: 60, failsafe: "login", factoryReset: false } as const;
  assert.deepEqual(recoveryKinds(boot), ["failsafe"]);
  assert.deepEqual(recoveryKinds({ ...boot, failsafe: "off" }), []);
  assert.deepEqual(recoveryKinds({ ...boot, failsafe: "shell", factoryReset: true }), ["failsafe", "reset"]);
});
