/** The `node:fs` that a config sees: contents only, in a fixed order; no dates, owners or numbers of the build host. */
import { existsSync, readdirSync as readNames, readFileSync } from "node:fs";

/** Names in a folder, sorted by code units. */
export function readdirSync(path: string): string[] {
  return readNames(path).sort();
}

export { existsSync, readFileSync };
export default { existsSync, readFileSync, readdirSync };
