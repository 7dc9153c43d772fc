/** Checks a written config against the schema, and says in words what is wrong. */
import type * as z from "zod";
import type { Problem } from "./errors.ts";
import type { SystemInput } from "./input.ts";
import { jsonSchema } from "./json-schema.ts";
import { nearest } from "./nearest.ts";
import type { OptionPath } from "./option-path.ts";
import { systemSchema } from "./schema.ts";

/** The config, or everything that is wrong with its options one by one. */
export function validate(value: unknown): { readonly system: SystemInput } | { readonly problems: readonly Problem[] } {
  const result = systemSchema.safeParse(value);
  if (result.success) return { system: value as SystemInput };
  return { problems: result.error.issues.flatMap((issue) => explain(issue, [], value)) };
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object of options",
  record: "an object",
};

function explain(issue: z.core.$ZodIssue, prefix: OptionPath, root: unknown): Problem[] {
  const path: OptionPath = [...prefix, ...(issue.path as (string | number)[])];
  const found = valueAt(root, path);
  const one = (expected: string, hint?: string): Problem[] => [problem(path, expected, found, hint)];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownOption([...path, key]));
    case "invalid_union":
      return explainUnion(issue.errors, path, root);
    case "invalid_key":
      return [
        { path, message: `expected ${issue.issues[0]?.message ?? "another name"}, found ${show(path.at(-1))}`, ...hintOf(issue.issues[0]) },
      ];
    case "invalid_value":
      return one(
        issue.values
          .map((value) => JSON.stringify(value))
          .join(", ")
          .replace(/, ([^,]*)$/, " or $1"),
        didYouMean(found, issue.values.map(String)),
      );
    case "invalid_type":
      return one(issue.message.startsWith("Invalid input") ? (TYPE_NAMES[issue.expected] ?? issue.expected) : issue.message);
    case "too_small":
    case "too_big":
      return one(issue.message.startsWith("Too ") ? limitOf(issue) : issue.message);
    case "custom":
      return issue.params?.["secret"] === true
        ? [{ path, message: `expected ${issue.message}`, ...hintOf(issue) }]
        : one(issue.message, hintOf(issue).hint);
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
      return one(issue.message);
    default:
      return issue satisfies never;
  }
}

/** The branch that the value was meant for is the one whose outermost type fits. */
function explainUnion(branches: readonly (readonly z.core.$ZodIssue[])[], path: OptionPath, root: unknown): Problem[] {
  const isWrongKind = (issue: z.core.$ZodIssue | undefined): boolean =>
    issue?.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
  const meant = branches.find((issues) => !isWrongKind(issues[0]));
  if (meant !== undefined) return meant.flatMap((issue) => explain(issue, path, root));
  const explained = branches.flatMap((issues) => issues.flatMap((issue) => explain(issue, path, root)));
  const expected = explained.map(({ message }) => message.replace(/^expected (.*), found .*$/s, "$1")).join(" or ");
  const hint = explained.find((each) => each.hint !== undefined)?.hint;
  return [problem(path, expected, valueAt(root, path), hint)];
}

function problem(path: OptionPath, expected: string, found: unknown, hint?: string): Problem {
  const octal =
    typeof found === "number" && path.at(-1) === "mode" ? `write "0${found.toString(8)}" if you meant 0o${found.toString(8)}` : undefined;
  const advice = hint ?? octal;
  const message = found === undefined ? `is missing; expected ${expected}` : `expected ${expected}, found ${show(found)}`;
  return { path, message, found, ...(advice === undefined ? {} : { hint: advice }) };
}

function unknownOption(path: OptionPath): Problem {
  const known = optionsAt(path.slice(0, -1));
  const near = nearest(String(path.at(-1)), known);
  return {
    path,
    message: "there is no such option",
    hint: near === undefined ? `there are: ${known.join(", ")}` : `did you mean \`${near}\`?`,
  };
}

function didYouMean(found: unknown, known: readonly string[]): string | undefined {
  const near = typeof found === "string" ? nearest(found, known) : undefined;
  return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
}

function limitOf(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const unit = issue.origin === "array" ? " items" : issue.origin === "string" ? " characters" : "";
  return issue.code === "too_small" ? `at least ${issue.minimum}${unit}` : `at most ${issue.maximum}${unit}`;
}

function hintOf(issue: z.core.$ZodIssue | undefined): { hint?: string } {
  const hint: unknown = issue?.code === "custom" ? issue.params?.["hint"] : undefined;
  return typeof hint === "string" ? { hint } : {};
}

function valueAt(root: unknown, path: OptionPath): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    root,
  );
}

const SHOWN_CHARACTERS = 60;

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** Names of the options that the schema knows at a path. */
function optionsAt(path: OptionPath): string[] {
  let node: SchemaNode | undefined = jsonSchema();
  for (const key of path) {
    const variants: readonly SchemaNode[] = node?.anyOf ?? (node === undefined ? [] : [node]);
    node = variants
      .map((variant) =>
        typeof key === "number" ? variant.items : (variant.properties?.[key] ?? (variant.additionalProperties || undefined)),
      )
      .find((inner) => inner !== undefined);
  }
  return [node, ...(node?.anyOf ?? [])].flatMap((variant) => Object.keys(variant?.properties ?? {}));
}
