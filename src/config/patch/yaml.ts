/** Changes a YAML config through its document, which keeps comments, blank lines and the style of every other value. */
import { isObject } from "./change.ts";
import type { ConfigChange, PlainValue } from "./change.ts";

/** The text with the change made; none when there is nothing to take out. */
export async function patchYaml(text: string, change: ConfigChange): Promise<string[]> {
  const { parseDocument, isCollection, isScalar, isSeq } = await import("yaml");
  const document = parseDocument(text, { schema: "core", merge: false, uniqueKeys: true });
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
  const changed = document.toString({ lineWidth: 0 });
  return changed === text ? [] : [changed];
}

/** A file that is nothing but its text is written as a text. */
function short(value: PlainValue): PlainValue {
  return isObject(value) && Object.keys(value).length === 1 && typeof value["text"] === "string" ? value["text"] : value;
}
