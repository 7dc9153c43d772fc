/** The root metadata that an image begins with: read, and looked at as far as a mistake would lock machines out. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { hasErrno, messageOf } from "#errors";
import type { Problem } from "./errors.ts";
import { isWithin } from "./paths.ts";
import type { ConfigFile } from "./project.ts";

const ROOT_MAX = 64 * 1024;
/** With one key, losing it means that no machine can be updated any more. */
const KEYS_MIN = 2;

export interface ReadRoot {
  readonly text?: string;
  readonly problems: readonly Problem[];
}

/** Signatures are checked by whoever publishes, and by each machine. */
export function readRoot(source: string | undefined, config: ConfigFile): ReadRoot {
  if (source === undefined) return { problems: [] };
  const wrong = (message: string, hint = "ashlar keys init DIR makes one"): ReadRoot => ({
    problems: [{ path: ["updates", "root"], message, found: source, hint }],
  });
  try {
    const path = realpathSync(resolve(config.folder, source));
    if (!isWithin(path, config.project)) return wrong(`expected a path below ${config.project}, found ${JSON.stringify(source)}`);
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > ROOT_MAX)
      return wrong(`expected a file of at most ${ROOT_MAX} bytes, found something else at ${path}`);
    const text = readFileSync(path, "utf8").trimEnd();
    const keys = offlineKeys(JSON.parse(text));
    if (keys === undefined) return wrong(`expected root metadata, found something else in ${path}`);
    if (keys < KEYS_MIN)
      return wrong(`expected a root with at least ${KEYS_MIN} keys, found ${keys} in ${path}`, "ashlar keys rotate DIR adds one");
    return { text, problems: [] };
  } catch (error) {
    if (error instanceof SyntaxError) return wrong(`expected root metadata, found no JSON: ${messageOf(error)}`);
    if (!hasErrno(error, "ENOENT") && !hasErrno(error, "ENOTDIR")) throw error;
    return wrong(`expected a file, found nothing at ${resolve(config.folder, source)}`);
  }
}

/** The fewer of the keys that may sign roots and lists of releases; undefined for what is no root metadata. */
function offlineKeys(value: unknown): number | undefined {
  const signed = (value as { signed?: { _type?: unknown; roles?: Record<string, { keyids?: unknown } | undefined> } } | null)?.signed;
  if (signed?._type !== "root") return undefined;
  const counts = ["root", "targets"].map((role) => {
    const ids = signed.roles?.[role]?.keyids;
    return Array.isArray(ids) ? new Set(ids).size : 0;
  });
  return Math.min(...counts);
}
