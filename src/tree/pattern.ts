/** Path patterns of the rule tables: `*` matches within one name, `**` at the end matches everything below. */
import type { ByteString } from "#formats/bytes.ts";

/** Compiles a pattern; the result tells whether a path matches. */
export function compilePattern(pattern: string): (path: ByteString) => boolean {
  const deep = pattern.endsWith("/**");
  const body = (deep ? pattern.slice(0, -3) : pattern).replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  const expression = new RegExp(`^${body}${deep ? "/.+" : ""}$`, "s");
  return (path) => expression.test(path);
}
