/** The part of a parameter that a usage line shows. */
interface Shown {
  readonly placeholder?: string;
  readonly optional?: boolean;
  readonly default?: unknown;
}

interface UsageParameters {
  readonly flags?: Readonly<Record<string, Shown & { readonly kind: string }>>;
  readonly positional?:
    | { readonly kind: "tuple"; readonly parameters: readonly Shown[] }
    | { readonly kind: "array"; readonly parameter: Shown };
}

/** What follows a command's name on its usage line: the flags that it cannot do without, then `[FLAGS]` and its arguments. */
export function usageLine({ flags = {}, positional }: UsageParameters): string {
  const required = Object.entries(flags)
    .filter(([, flag]) => flag.kind === "parsed" && flag.optional !== true && flag.default === undefined)
    .map(([name, flag]) => `--${name} ${flag.placeholder ?? "VALUE"}`);
  const words =
    positional === undefined
      ? []
      : positional.kind === "array"
        ? [`[${positional.parameter.placeholder ?? "ARGUMENT"}…]`]
        : positional.parameters.map(({ placeholder = "ARGUMENT", optional }) => (optional === true ? `[${placeholder}]` : placeholder));
  return [...required, "[FLAGS]", ...words].join(" ");
}
