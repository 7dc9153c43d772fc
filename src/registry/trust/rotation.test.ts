/**
 * Who has to sign what when keys change: the cases that the public tuf-conformance suite asks of every client, as a table of
 * our own. That suite itself cannot be run here: it drives a client by ECDSA metadata, delegations and target files, none of
 * which a machine takes.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { scratch } from "../../../test/support/release-fixture.ts";
import { AshlarError } from "../../errors.ts";
import { canonicalJson } from "../../formats/canonical-json.ts";
import { openSource } from "../source.ts";
import { refreshTrust } from "./client.ts";
import type { TrustedMetadata } from "./client.ts";
import { createKeyFile, signerOf } from "./key-file.ts";
import type { Role } from "./layout.ts";
import { TIMESTAMP_FILE, metadataPath } from "./layout.ts";
import { renderMetadata } from "./signatures.ts";

interface Signing {
  /** Numbers of keys. */
  readonly keys: readonly number[];
  readonly threshold: number;
  readonly by: readonly number[];
}

const home = scratch();
after(() => home[Symbol.dispose]());
const NOW = Math.floor(Date.now() / 1000);
/** The last one signs whatever a case is not about. */
const OTHER = 10;
const files = Array.from({ length: OTHER + 1 }, (_, at) => createKeyFile(join(home.path, `${at}.key`), undefined));
const idOf = (at: number): string => files[at]!.keyid;
const ROLES: readonly Role[] = ["root", "targets", "snapshot", "timestamp"];
const DEFAULT: Signing = { keys: [OTHER], threshold: 1, by: [OTHER] };
const five = [0, 1, 2, 3, 4];
const changed = [0, 1, 3, 4, 5];
const signing = (keys: readonly number[], threshold: number, by: readonly number[]): Signing => ({ keys, threshold, by });

function signed(role: Role, version: number, content: object, by: readonly number[]): Buffer {
  const text = { _type: role, spec_version: "1.0.31", version, expires: "2099-01-01T00:00:00Z", ...content };
  const bytes = Buffer.from(canonicalJson(text));
  const sigs = by.map((at) => ({ keyid: idOf(at), sig: signerOf(files[at]!, "", () => "")(bytes).toString("hex") }));
  return renderMetadata(text, sigs);
}

function rootOf(version: number, roles: Partial<Record<Role, Signing>>): Buffer {
  const all = ROLES.map((role) => [role, roles[role] ?? DEFAULT] as const);
  const used = [...new Set(all.flatMap(([, { keys }]) => keys))];
  const content = {
    consistent_snapshot: true,
    keys: Object.fromEntries(
      used.map((at) => [idOf(at), { keytype: "ed25519", scheme: "ed25519", keyval: { public: files[at]!.public } }]),
    ),
    roles: Object.fromEntries(all.map(([role, { keys, threshold }]) => [role, { keyids: keys.map(idOf), threshold }])),
  };
  return signed("root", version, content, (roles.root ?? DEFAULT).by);
}

let count = 0;
/** A machine that begins with the first root looks at a folder with these roots. */
async function look(
  roots: readonly Buffer[],
  roles: Partial<Record<Role, Signing>> = {},
): Promise<{ kept: TrustedMetadata; code: string | undefined }> {
  const folder = join(home.path, `folder-${count++}`);
  mkdirSync(join(folder, "trust"), { recursive: true });
  const put = (path: string, bytes: Buffer): void => writeFileSync(join(folder, path), bytes);
  const by = (role: Role): readonly number[] => (roles[role] ?? DEFAULT).by;
  for (const [at, bytes] of roots.entries()) put(metadataPath("root", at + 1), bytes);
  put(metadataPath("targets", 1), signed("targets", 1, { targets: {} }, by("targets")));
  put(metadataPath("snapshot", 1), signed("snapshot", 1, { meta: { "targets.json": { version: 1 } } }, by("snapshot")));
  put(TIMESTAMP_FILE, signed("timestamp", 1, { meta: { "snapshot.json": { version: 1 } } }, by("timestamp")));
  let kept: TrustedMetadata = { root: roots[0]! };
  try {
    await refreshTrust(openSource(folder), { trusted: kept, now: NOW, remember: (verified) => void (kept = verified) });
    return { kept, code: undefined };
  } catch (error) {
    if (error instanceof AshlarError) return { kept, code: error.code };
    throw error;
  }
}

const rootsThatFollow: Readonly<Record<string, readonly Signing[]>> = {
  "one key in place of another": [signing([1], 1, [1]), signing([2], 1, [2, 1]), signing([2], 1, [2])],
  "signatures of others beside it": [signing([1], 1, [3, 1, 4]), signing([2], 1, [3, 2, 1, 4]), signing([2], 1, [3, 2, 4])],
  "three of five, other ones each time": [signing(five, 3, [0, 2, 4]), signing(five, 3, [0, 4, 1]), signing(five, 3, [0, 1, 3])],
  "three of five, one replaced": [signing(five, 3, [0, 2, 4]), signing(changed, 3, [0, 4, 1])],
  "three of five, one replaced, by old and new": [
    signing(five, 3, [0, 2, 4]),
    signing(changed, 3, [0, 2, 4, 5]),
    signing(changed, 3, [0, 4, 5]),
  ],
  "all five replaced": [
    signing(five, 3, [0, 2, 4]),
    signing([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]),
    signing([5, 6, 7, 8, 9], 3, [5, 6, 7]),
  ],
  "a threshold that rises": [signing([1, 2, 3], 1, [1]), signing([1, 2, 3], 2, [1, 2])],
  "a threshold that falls": [signing([1, 2, 3], 2, [1, 2]), signing([1, 2, 3], 1, [1, 2]), signing([1, 2, 3], 1, [1])],
};
const rootsThatDoNot: Readonly<Record<string, readonly Signing[]>> = {
  "the old key did not sign": [signing([1], 1, [1]), signing([2], 1, [2, 3, 4])],
  "the new key did not sign": [signing([1], 1, [1]), signing([2], 1, [1, 3, 4])],
  "two of the three new ones": [signing(five, 3, [0, 2, 4]), signing(changed, 3, [0, 2, 4])],
  "two of the three old ones": [signing(five, 3, [0, 2, 4]), signing(changed, 3, [0, 4, 5])],
  "a risen threshold that is not met": [signing([1, 2, 3], 1, [1]), signing([1, 2, 3], 2, [2])],
  "a fallen threshold that the old one does not allow": [signing([1, 2, 3], 2, [1, 2]), signing([1, 2, 3], 1, [1])],
};

for (const [what, versions] of Object.entries({ ...rootsThatFollow, ...rootsThatDoNot }))
  void test(`roots: ${what}`, async () => {
    const roots = versions.map((root, at) => rootOf(at + 1, { root }));
    const follows = what in rootsThatFollow;
    const { kept, code } = await look(roots);
    assert.equal(code, follows ? undefined : "E_TRUST_ROOT");
    assert.deepEqual(kept.root, roots.at(follows ? -1 : -2), "what follows is kept, and nothing else");
  });

const others: Readonly<Record<string, readonly [Signing, good: boolean]>> = {
  "one of one": [signing([2], 1, [2]), true],
  "one among others": [signing([1], 1, [3, 1, 4]), true],
  "three of five": [signing(five, 3, [2, 3, 4]), true],
  "all of five": [signing(five, 5, five), true],
  "others only": [signing([2], 1, [1, 3, 4]), false],
  "two of three, and a key that was replaced": [signing(changed, 3, [0, 2, 4]), false],
  "two of three": [signing(changed, 3, [0, 4]), false],
  "more than there are": [signing(five, 6, five), false],
};

for (const role of ["timestamp", "snapshot", "targets"] as const)
  for (const [what, [given, good]] of Object.entries(others))
    void test(`${role}: ${what}`, async () => {
      const { kept, code } = await look([rootOf(1, { [role]: given })], { [role]: given });
      assert.equal(code, good ? undefined : "E_TRUST_UNSIGNED");
      assert.equal(kept[role] !== undefined, good);
    });
