/** Making a folder of keys, and replacing keys with overlap: each new root is signed by the keys of the one before. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Metadata, Root } from "@tufjs/models";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { TrustErrorCode } from "./errors.ts";
import { createKeyFile } from "./key-file.ts";
import type { Role } from "./layout.ts";
import { SPEC_VERSION } from "./metadata.ts";
import { SETTINGS_FILE, openRing, readRoot, settingsShape, signMetadata } from "./ring.ts";
import type { KeyRing } from "./ring.ts";

/** What a machine trusts from its first image: one key may be lost, or stolen and revoked, and the other goes on. */
const KEYS_MIN = 2;
const KEYS_MAX = 16;
const DAYS = { root: 1095, targets: 365, snapshot: 30, timestamp: 30 };
const ROLES: readonly Role[] = ["root", "targets", "snapshot", "timestamp"];

export interface InitOptions {
  readonly folder: string;
  /** Offline keys. */
  readonly keys?: number | undefined;
  /** How many of them have to sign. */
  readonly threshold?: number | undefined;
  /** Days that snapshot and timestamp are good for. */
  readonly days?: number | undefined;
  /** Undefined writes all keys as they are: somebody chose so. */
  readonly passphrase: string | undefined;
  /** Seconds since 1970. */
  readonly now: number;
}

/**
 * What can be said before anybody is asked for a passphrase.
 * @throws E_KEYS_EXIST, E_KEYS_FOLDER
 */
export function checkNewRing({ folder, keys = KEYS_MIN, threshold = 1 }: Pick<InitOptions, "folder" | "keys" | "threshold">): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new AshlarError<TrustErrorCode>("E_KEYS_EXIST", `${folder} is not empty; keys are never overwritten`, {
      hint: "name another folder, or change the keys that are there: ashlar keys rotate",
      details: { folder },
    });
  if (keys < KEYS_MIN || keys > KEYS_MAX || threshold < 1 || threshold > keys)
    throw new AshlarError<TrustErrorCode>(
      "E_KEYS_FOLDER",
      `${keys} keys of which ${threshold} sign: there must be ${KEYS_MIN} to ${KEYS_MAX}, and not more may sign`,
      {
        hint: "ashlar keys init --keys 3 --threshold 2 DIR",
      },
    );
}

/** @throws E_KEYS_EXIST, E_KEYS_FOLDER */
export function initRing(options: InitOptions): KeyRing {
  checkNewRing(options);
  const { folder, keys = KEYS_MIN, threshold = 1, days, passphrase, now } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const offline = Array.from({ length: keys }, (_, at) => createKeyFile(join(folder, `offline-${at + 1}.key`), passphrase));
  const online = createKeyFile(join(folder, "online-1.key"), passphrase);
  const periods = { ...DAYS, ...(days === undefined ? {} : { snapshot: days, timestamp: days }) };
  const settings = settingsShape({ format: "ashlar-keys", version: 1, days: periods }, SETTINGS_FILE);
  writeFileAtomic(join(folder, SETTINGS_FILE), `${canonicalJson(settings)}\n`);
  const [ids, onlineIds] = [offline.map(({ keyid }) => keyid), [online.keyid]];
  const signed = {
    _type: "root",
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiry(now, settings.days.root),
    consistent_snapshot: true,
    keys: Object.fromEntries([...offline, online].map((each) => [each.keyid, publicPart(each.public)])),
    roles: {
      root: { keyids: ids, threshold },
      targets: { keyids: ids, threshold },
      snapshot: { keyids: onlineIds, threshold: 1 },
      timestamp: { keyids: onlineIds, threshold: 1 },
    },
  };
  const unsigned = Buffer.from(canonicalJson({ signatures: [], signed }));
  const root = readRoot(unsigned, folder);
  const files = [
    ...offline.map((file, at) => ({ file, path: join(folder, `offline-${at + 1}.key`) })),
    { file: online, path: join(folder, "online-1.key") },
  ];
  const draft: KeyRing = { folder, settings, roots: [unsigned], root, keys: files, passphrase: () => passphrase ?? "" };
  writeFileAtomic(join(folder, "1.root.json"), signMetadata(draft, { role: "root", signed }));
  return openRing(folder, () => passphrase ?? "");
}

export interface RotateOptions {
  /** The beginning of the id of a key that must not count any more. */
  readonly revoke?: string | undefined;
  /** Whether another key takes part from now on. */
  readonly add: boolean;
  /** Whether the new key is written as it is. */
  readonly plain: boolean;
  readonly now: number;
}

/**
 * Writes the next root. The keys that stay sign it, and so does a key that goes, as far as they are here.
 * @throws E_KEYS_UNKNOWN, E_KEYS_MISSING, E_KEYS_FOLDER, E_KEYS_PASSPHRASE
 */
export function rotateRing(ring: KeyRing, { revoke, add, plain, now }: RotateOptions): KeyRing {
  const { folder, root } = ring;
  const revoked = revoke === undefined ? undefined : named(root, revoke, folder);
  const online = revoked !== undefined && !root.signed.roles["root"]!.keyIDs.includes(revoked);
  const name = `${online ? "online" : "offline"}-`;
  const numbers = readdirSync(folder).flatMap((each) => (each.startsWith(name) ? [Number.parseInt(each.slice(name.length), 10)] : []));
  const path = join(folder, `${name}${Math.max(0, ...numbers) + 1}.key`);
  // A root that says so little must be refused before a key is made for it.
  const stays = (role: Role): string[] => root.signed.roles[role]!.keyIDs.filter((id) => id !== revoked);
  const count = stays("root").length + (add && !online ? 1 : 0);
  if (count < Math.max(KEYS_MIN, root.signed.roles["root"]!.threshold) || (online && !add))
    throw new AshlarError<TrustErrorCode>("E_KEYS_FOLDER", `without ${revoke ?? ""} and without a new key too few would be left`, {
      hint: "leave --no-new-key out; nothing was changed",
    });
  // Whether they can sign at all is known before anything is written.
  signMetadata(ring, { role: "root", signed: {} });
  const created = add ? createKeyFile(path, plain ? undefined : ring.passphrase()) : undefined;
  const roles = Object.fromEntries(
    ROLES.map((role) => {
      const takesPart = created !== undefined && (role === "root" || role === "targets") !== online;
      return [role, { keyids: [...stays(role), ...(takesPart ? [created.keyid] : [])], threshold: root.signed.roles[role]!.threshold }];
    }),
  );
  const used = new Set(Object.values(roles).flatMap(({ keyids }) => keyids));
  const known = {
    ...Object.fromEntries(Object.entries(root.signed.keys).map(([id, key]) => [id, key.toJSON()])),
    ...(created === undefined ? {} : { [created.keyid]: publicPart(created.public) }),
  };
  const version = root.signed.version + 1;
  const signed = {
    _type: "root",
    spec_version: SPEC_VERSION,
    version,
    expires: expiry(now, ring.settings.days.root),
    consistent_snapshot: true,
    keys: Object.fromEntries(Object.entries(known).filter(([id]) => used.has(id))),
    roles,
  };
  const next = readRoot(Buffer.from(canonicalJson({ signatures: [], signed })), folder);
  const withNew = created === undefined ? ring : { ...ring, keys: [...ring.keys, { path, file: created }] };
  writeFileAtomic(join(folder, `${version}.root.json`), signMetadata(withNew, { role: "root", signed, under: [root, next] }));
  return openRing(folder, ring.passphrase);
}

/** Whole seconds, as the specification wants it. */
export function expiry(now: number, days: number): string {
  return new Date((now + days * 86_400) * 1000).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function publicPart(text: string): Record<string, unknown> {
  return { keytype: "ed25519", scheme: "ed25519", keyval: { public: text } };
}

function named(root: Metadata<Root>, id: string, folder: string): string {
  const found = Object.keys(root.signed.keys).filter((each) => /^[0-9a-f]{8,64}$/.test(id) && each.startsWith(id));
  if (found.length === 1) return found[0]!;
  throw new AshlarError<TrustErrorCode>("E_KEYS_UNKNOWN", `${id} is ${found.length === 0 ? "no key" : "several keys"} of the newest root`, {
    hint: `at least the first 8 digits, as ashlar keys status ${folder} shows them`,
    details: { keys: Object.keys(root.signed.keys) },
  });
}
