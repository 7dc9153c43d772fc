/** A machine of release 1, a folder with release 2, and an attacker who can write to that folder, or has stolen some of the keys. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hash } from "node:crypto";
import { join } from "node:path";
import { openContext } from "../../src/agent/context.ts";
import { upgrade } from "../../src/agent/commands/upgrade.ts";
import type { UpgradeOptions } from "../../src/agent/commands/upgrade.ts";
import { AshlarError } from "../../src/errors.ts";
import { canonicalJson } from "../../src/formats/canonical-json.ts";
import { silentReporter } from "../../src/report/reporter.ts";
import { TIMESTAMP_FILE, metadataPath } from "../../src/registry/trust/layout.ts";
import { versionIn } from "../../src/registry/trust/folder.ts";
import { signMetadata } from "../../src/registry/trust/signatures.ts";
import type { KeyRing } from "../../src/registry/trust/ring.ts";
import { listObjects } from "../../src/store/layout.ts";
import { bootState, openLab, openPublisher } from "./machine-lab.ts";
import type { Lab, Publisher } from "./machine-lab.ts";
import { scratch } from "./release-fixture.ts";

export interface TrustLab extends Lab, AsyncDisposable {
  readonly publisher: Publisher;
  /** A folder of this test's own. */
  readonly at: (name: string) => string;
}

export interface Signed {
  readonly version: number;
  readonly expires: string;
  readonly [field: string]: unknown;
}

/** A machine that runs release 1 and has looked once, so that it knows the metadata of that time. */
export async function openTrustLab(keys: Parameters<typeof openPublisher>[1] = {}): Promise<TrustLab> {
  const place = scratch();
  const publisher = await openPublisher(place.path, keys);
  const lab = await openLab(join(place.path, "lab"), publisher);
  await upgradeAt(lab, {});
  return {
    ...lab,
    publisher,
    at: (name) => join(place.path, name),
    [Symbol.asyncDispose]: async () => {
      await publisher.store.close();
      place[Symbol.dispose]();
    },
  };
}

/** `ashlar upgrade`, at a time of one's own choosing. @param when seconds since 1970 */
export async function upgradeAt({ machine }: Lab, options: UpgradeOptions, when?: number): Promise<Readonly<Record<string, unknown>>> {
  const context = openContext(machine.root, silentReporter, 80);
  return (await upgrade(when === undefined ? context : { ...context, now: () => when }, options)).json;
}

/** The upgrade must fail with this error and leave what runs, what starts, and what the store has, byte for byte as it was. */
export async function refuses(lab: Lab, code: string, options: UpgradeOptions = {}, when?: number): Promise<AshlarError> {
  const before = stateOf(lab);
  let found: unknown;
  try {
    found = await upgradeAt(lab, options, when);
  } catch (error) {
    found = error;
  }
  assert.ok(found instanceof AshlarError, `expected ${code}, got ${JSON.stringify(found) ?? String(found)}`);
  assert.equal(found.code, code, found.message);
  assert.match(found.hint ?? "", /unchanged|nothing/);
  assert.deepEqual(stateOf(lab), before);
  return found;
}

function stateOf({ machine }: Lab): unknown {
  const { booted, running, store } = machine.open().machine;
  return { booted, running, boot: bootState(machine), objects: listObjects(store).ids.toSorted() };
}

/** What the folder's current metadata of a role says. */
export function signedIn(folder: string, role: "timestamp" | "snapshot" | "targets"): Signed {
  return (JSON.parse(readFileSync(pathOf(folder, role), "utf8")) as { signed: Signed }).signed;
}

export function pathOf(folder: string, role: "timestamp" | "snapshot" | "targets"): string {
  const timestamp = join(folder, TIMESTAMP_FILE);
  if (role === "timestamp") return timestamp;
  const snapshot = join(folder, metadataPath("snapshot", versionIn(readFileSync(timestamp), "timestamp", folder)));
  return role === "snapshot" ? snapshot : join(folder, metadataPath("targets", versionIn(readFileSync(snapshot), "snapshot", folder)));
}

type Change = (signed: Signed) => Signed;

export interface Forged {
  /** Whose keys sign it; each role by another folder of keys, if wanted. */
  readonly keys: KeyRing | { readonly targets: KeyRing; readonly online: KeyRing };
  readonly targets?: Change;
  readonly snapshot?: Change;
  readonly timestamp?: Change;
}

/** Writes all three anew, one above the other as they should be, but for what is changed. */
export function forge(folder: string, { keys, targets, snapshot, timestamp }: Forged): void {
  const [offline, online] = "targets" in keys ? [keys.targets, keys.online] : [keys, keys];
  const version = Math.max(signedIn(folder, "timestamp").version + 1, Date.now());
  const change = (signed: Signed, by: Change | undefined): Signed => (by ?? ((same) => same))({ ...signed, version });
  const made = change(signedIn(folder, "targets"), targets);
  const bytes = signMetadata(offline, { role: "targets", signed: made });
  const shot = change({ ...signedIn(folder, "snapshot"), meta: { "targets.json": metaOf(bytes, made.version) } }, snapshot);
  const shotBytes = signMetadata(online, { role: "snapshot", signed: shot });
  const stamp = change({ ...signedIn(folder, "timestamp"), meta: { "snapshot.json": metaOf(shotBytes, shot.version) } }, timestamp);
  const files = {
    [metadataPath("targets", made.version)]: bytes,
    [metadataPath("snapshot", shot.version)]: shotBytes,
    [TIMESTAMP_FILE]: signMetadata(online, { role: "timestamp", signed: stamp }),
  };
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
}

export function metaOf(bytes: Buffer, version: number): Record<string, unknown> {
  return { version, length: bytes.length, hashes: { sha256: hash("sha256", bytes, "hex") } };
}

/** Changes a file's signatures, or anything around what is signed. */
export function tamper(path: string, change: (metadata: { signatures: unknown[]; signed: Signed }) => unknown): void {
  writeFileSync(path, canonicalJson(change(JSON.parse(readFileSync(path, "utf8")) as { signatures: unknown[]; signed: Signed })));
}

/** A copy of keys, as somebody has it who took it. */
export function stolen(ring: KeyRing, folder: string, names: readonly string[]): KeyRing {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return { ...ring, folder, keys: ring.keys.filter(({ path }) => names.some((name) => path.endsWith(name)) && existsSync(path)) };
}
