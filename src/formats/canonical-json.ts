/** One text for one record: keys in code unit order, no white space (RFC 8785, https://www.rfc-editor.org/rfc/rfc8785#section-3.2). */

/** For records of the on-disk formats: objects with names as keys, lists, strings, booleans and integers. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
