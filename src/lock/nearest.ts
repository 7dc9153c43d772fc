/** Names that somebody may have meant. */

/** Up to `count` of `names` that begin with `name` or differ from it least; the nearest first. */
export function nearestNames(name: string, names: Iterable<string>, count = 3): string[] {
  const limit = Math.max(1, Math.floor(name.length / 3));
  const found: { readonly name: string; readonly distance: number }[] = [];
  for (const candidate of names) {
    const edits = Math.abs(candidate.length - name.length) > limit ? limit + 1 : editDistance(name, candidate, limit);
    if (edits <= limit) found.push({ name: candidate, distance: edits });
    // "postgres" for postgresql; long tails (libfoo-doc, -dev) are farther away than a slip of the finger.
    else if (name.length >= 3 && candidate.startsWith(name))
      found.push({ name: candidate, distance: limit + candidate.length - name.length });
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return found.slice(0, count).map((each) => each.name);
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours; a number above `limit` stands for all of them, which lets
 * hopeless names be left early.
 */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = row > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? (before[column - 2] ?? 0) + 1 : Infinity;
      current.push(Math.min(replaced, swapped, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    // A swap reaches back two rows, so both must be hopeless.
    if (Math.min(...current, ...previous) > limit) return limit + 1;
    [before, previous] = [previous, current];
  }
  return previous[b.length] ?? 0;
}
