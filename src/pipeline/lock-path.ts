import { dirname, join } from "node:path";

/** Path of the lock that belongs to a config: beside it, "system.ts" → "system.lock.json". */
export function lockPathOf(config: string): string {
  return join(dirname(config), `${/([^/]+?)\.[^./]+$/.exec(config)?.[1] ?? "system"}.lock.json`);
}
