/**
 * A unified difference of two small texts, with three lines of context. The shortest edit script by Myers' greedy
 * algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986, figure 2).
 */

const CONTEXT = 3;
/** More edits than this between two texts are no reading matter; the rest is told as one replacement. */
const EDITS_MAX = 1000;

/** Empty when the texts are equal. A missing newline at the end is marked as `diff -u` does. */
export function unifiedDiff(before: string, after: string, names: { readonly before: string; readonly after: string }): string {
  const [a, b] = [lines(before), lines(after)];
  const edits = editScript(a, b);
  if (edits.every(({ kind }) => kind === " ")) return "";
  return [`--- ${names.before}`, `+++ ${names.after}`, ...hunks(edits)].join("\n");
}

interface Edit {
  readonly kind: " " | "-" | "+";
  readonly line: string;
}

function lines(text: string): string[] {
  if (text === "") return [];
  const parts = text.split("\n");
  const last = parts.pop() ?? "";
  return last === "" ? parts : [...parts, `${last}\n\\ No newline at end of file`];
}

function editScript(a: readonly string[], b: readonly string[]): Edit[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const same = (part: readonly string[]): Edit[] => part.map((line) => ({ kind: " ", line }));
  return [
    ...same(a.slice(0, head)),
    ...myers(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ];
}

function myers(a: readonly string[], b: readonly string[]): Edit[] {
  const reached: Map<number, number>[] = [];
  let furthest = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(a.length + b.length, EDITS_MAX); d++) {
    reached.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(furthest, k - 1) < at(furthest, k + 1));
      let x = down ? at(furthest, k + 1) : at(furthest, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest.set(k, x);
      if (x >= a.length && x - k >= b.length) return backtrack(a, b, reached);
    }
    furthest = new Map(furthest);
  }
  return [...a.map((line): Edit => ({ kind: "-", line })), ...b.map((line): Edit => ({ kind: "+", line }))];
}

function backtrack(a: readonly string[], b: readonly string[], reached: readonly ReadonlyMap<number, number>[]): Edit[] {
  const edits: Edit[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = reached.length - 1; d >= 0; d--) {
    const furthest = reached[d] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -d || (k !== d && at(furthest, k - 1) < at(furthest, k + 1));
    const fromK = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : at(furthest, fromK);
    const fromY = d === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY && a[x - 1] === b[y - 1]) {
      edits.push({ kind: " ", line: a[--x] ?? "" });
      y--;
    }
    if (d > 0) edits.push(down ? { kind: "+", line: b[--y] ?? "" } : { kind: "-", line: a[--x] ?? "" });
  }
  return edits.reverse();
}

function at(furthest: ReadonlyMap<number, number>, k: number): number {
  return furthest.get(k) ?? -1;
}

function hunks(edits: readonly Edit[]): string[] {
  const near = edits.map((_edit, index) => edits.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ kind }) => kind !== " "));
  const out: string[] = [];
  let [before, after] = [1, 1];
  for (let index = 0; index < edits.length;) {
    if (near[index] !== true) {
      before++;
      after++;
      index++;
      continue;
    }
    const end = near.indexOf(false, index);
    const part = edits.slice(index, end < 0 ? edits.length : end);
    const [removed, added] = [part.filter(({ kind }) => kind !== "+").length, part.filter(({ kind }) => kind !== "-").length];
    out.push(`@@ -${range(before, removed)} +${range(after, added)} @@`, ...part.map(({ kind, line }) => `${kind}${line}`));
    before += removed;
    after += added;
    index += part.length;
  }
  return out;
}

/** POSIX diff: of an empty range the line before it is named. */
function range(start: number, count: number): string {
  return count === 1 ? String(start) : `${count === 0 ? start - 1 : start},${count}`;
}
