/** Changes the text of a config in its own language. */
import type { ConfigChange } from "./change.ts";
import { patchScript } from "./script.ts";

/**
 * Texts in which the change may have been made, the likely ones first; only evaluating them says which one means it.
 * @param path of the config; its ending says the language
 */
export async function patchConfig(text: string, change: ConfigChange, path: string): Promise<string[]> {
  if (/\.ya?ml$/.test(path)) return (await import("./yaml.ts")).patchYaml(text, change);
  return patchScript(text, change, path.endsWith(".json") ? "json" : "ts");
}
