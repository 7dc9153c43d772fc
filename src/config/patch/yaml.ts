/** Changes a YAML config through its document, which keeps comments; lines without a change stay as a person wrote them. */
import { isObject } from "./change.ts";
import type { ConfigChange, PlainValue } from "./change.ts";

/** Texts with the change made, the most faithful first; none when there is nothing to take out. */
export async function patchYaml(text: string, change: ConfigChange): Promise<string[]> {
  const { parseDocument, isCollection, isScalar, isSeq } = await import("yaml");
  const document = parseDocument(text, { schema: "core", merge: false, uniqueKeys: true });
  const printed = print(document);
  const node = document.getIn(change.path, true);
  switch (change.kind) {
    case "set": {
      const { value } = change;
      if (isObject(value) && isCollection(node) && !isSeq(node)) {
        for (const key of Object.keys((document.toJS() as never) && (node.toJSON() as object))) if (!(key in value)) node.delete(key);
        for (const [key, item] of Object.entries(value)) document.setIn([...change.path, key], item);
      } else document.setIn(change.path, document.createNode(short(value)));
      break;
    }
    case "remove":
      if (!document.deleteIn(change.path)) return [];
      break;
    case "include":
      if (isSeq(node)) node.add(document.createNode(change.item));
      else document.setIn(change.path, document.createNode([change.item]));
      break;
    case "exclude": {
      if (!isSeq(node)) return [];
      const at = node.items.findIndex((item) => change.items.includes(String(isScalar(item) ? item.value : item)));
      if (at < 0) return [];
      node.delete(at);
      break;
    }
    default:
      return change satisfies never;
  }
  const whole = print(document);
  return [...new Set([onlyChangedLines(text, printed, whole), whole])].filter((changed) => changed !== text);

  function print(printable: { toString(options: object): string }): string {
    // No line is folded; the rest is as most of it is written here.
    const indents = [...text.matchAll(/^( +)[^ #-]/gm)].map(([, blanks = ""]) => blanks.length);
    return printable.toString({
      lineWidth: 0,
      indent: Math.min(...indents, 8) % 8 || 2,
      indentSeq: !/^- /m.test(text),
      flowCollectionPadding: /[[{] /.test(text),
    });
  }
}

/**
 * The person's own lines, with those in place of them that the change made: printing a document again aligns, indents and
 * quotes everything in one way. What does not print line by line is taken as it is printed.
 */
function onlyChangedLines(text: string, before: string, after: string): string {
  const [own, old, now] = [text.split("\n"), before.split("\n"), after.split("\n")];
  if (own.length !== old.length) return after;
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  return [...own.slice(0, head), ...now.slice(head, now.length - tail), ...own.slice(own.length - tail)].join("\n");
}

/** A file that is nothing but its text is written as a text. */
function short(value: PlainValue): PlainValue {
  return isObject(value) && Object.keys(value).length === 1 && typeof value["text"] === "string" ? value["text"] : value;
}
