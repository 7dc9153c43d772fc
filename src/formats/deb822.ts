/**
 * deb822: paragraphs of "Field: value" lines, as in control files, Release and apt's .sources.
 * https://manpages.debian.org/trixie/dpkg-dev/deb822.5
 */
import { AshlarError } from "#errors";

export type Deb822ErrorCode = "E_DEB822_SYNTAX";

/** Field names as written to values; continuation lines are joined by "\n" without their leading blank. */
export type Paragraph = ReadonlyMap<string, string>;

/**
 * Parses all paragraphs of a text.
 * @throws E_DEB822_SYNTAX with the line number for a line without a field name, a repeated field, or a stray continuation
 */
export function parseDeb822(text: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let current = new Map<string, string>();
  let field: string | undefined;
  const finish = (): void => {
    if (current.size > 0) paragraphs.push(current);
    current = new Map();
    field = undefined;
  };
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    if (line === "") finish();
    else if (line.startsWith("#")) continue;
    else if (line.startsWith(" ") || line.startsWith("\t")) {
      if (field === undefined) throw syntaxError(index, "a continuation line follows no field");
      const continued = line.slice(1);
      current.set(field, `${current.get(field)}\n${continued === "." ? "" : continued}`);
    } else {
      const colon = line.indexOf(":");
      field = line.slice(0, colon);
      if (colon <= 0 || !/^[!-9;-~]+$/.test(field)) throw syntaxError(index, `"${line.slice(0, 60)}" is not "Field: value"`);
      if (fieldOf(current, field) !== undefined) throw syntaxError(index, `the field ${field} is given twice`);
      current.set(field, line.slice(colon + 1).trimStart());
    }
  }
  finish();
  return paragraphs;
}

/** The value of a field; names are compared without regard to case, as the format says. */
export function fieldOf(paragraph: Paragraph, name: string): string | undefined {
  const exact = paragraph.get(name);
  if (exact !== undefined) return exact;
  const wanted = name.toLowerCase();
  for (const [field, value] of paragraph) if (field.toLowerCase() === wanted) return value;
  return undefined;
}

function syntaxError(index: number, what: string): AshlarError<Deb822ErrorCode> {
  return new AshlarError("E_DEB822_SYNTAX", `line ${index + 1}: ${what}`, { details: { line: index + 1 } });
}
