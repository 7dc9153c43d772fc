/** Making a folder of keys. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { AshlarError } from "#errors";
import { canonicalJson } from "#formats/canonical-json.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import type { TrustErrorCode } from "./errors.ts";
import { createKeyFile } from "./key-file.ts";
import { SPEC_VERSION, expiry, publicPart } from "./metadata.ts";
import { SETTINGS_FILE, openRing, readRoot, settingsShape } from "./ring.ts";
import type { KeyRing } from "./ring.ts";
import { signMetadata } from "./signatures.ts";

/** What a machine trusts from its first image: one key may be lost, or stolen and revoked, and the other goes on. */
export const KEYS_MIN = 2;
const KEYS_MAX = 16;
const DAYS = { root: 1095, targets: 365, snapshot: 30, timestamp: 30 };

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
