/**
 * The last few of what is made of a number, kept: for what is asked for again and again, nearly in order.
 * @param make may use again what is not kept any more
 */
export function keepRecent<Made>(most: number, make: (number: number, before: Made | undefined) => Made): (number: number) => Made {
  const kept = new Map<number, Made>();
  let last: { readonly number: number; readonly made: Made } | undefined;
  /** What was not asked for longest is the first one. */
  const drop = (): Made | undefined => {
    const first = kept.entries().next().value;
    if (first === undefined || kept.size < most) return undefined;
    kept.delete(first[0]);
    return first[1];
  };
  return (number) => {
    if (last?.number === number) return last.made;
    const made = kept.get(number) ?? make(number, drop());
    kept.delete(number);
    kept.set(number, made);
    last = { number, made };
    return made;
  };
}
