/**
 * The order of versions that systemd-boot and other systemd tools use.
 * https://uapi-group.org/specifications/specs/version_format_specification/ (UAPI.10)
 */

/** The separators that make a string older than one without, oldest first. */
const SEPARATORS = ["-", "^", "."] as const;

/** Compares two versions; negative when `a` is older. Digits count as numbers, `~` sorts before everything. */
export function compareVersions(a: string, b: string): number {
  let restA = a;
  let restB = b;
  for (;;) {
    // 1. Characters outside the set separate parts and are not compared.
    restA = restA.replace(/^[^a-zA-Z0-9~\-^.]+/, "");
    restB = restB.replace(/^[^a-zA-Z0-9~\-^.]+/, "");
    // 2. A part that begins with "~" is older than anything, also than the end.
    if (restA.startsWith("~") || restB.startsWith("~")) {
      if (!restA.startsWith("~") || !restB.startsWith("~")) return restA.startsWith("~") ? -1 : 1;
      restA = restA.slice(1);
      restB = restB.slice(1);
    }
    // 3. The one that ends is older.
    if (restA === "" || restB === "") return Number(restA !== "") - Number(restB !== "");
    // 4.–6. "-", "^" and "." in this order.
    for (const separator of SEPARATORS) {
      const inA = restA.startsWith(separator);
      const inB = restB.startsWith(separator);
      if (inA !== inB) return inA ? -1 : 1;
      if (!inA) continue;
      restA = restA.slice(1);
      restB = restB.slice(1);
    }
    // 7. and 8. Runs of digits by number, else runs of letters by byte; a run that is missing is older.
    const kind = /^[0-9]/.test(restA) || /^[0-9]/.test(restB) ? /^[0-9]*/ : /^[a-zA-Z]*/;
    const runA = kind.exec(restA)?.[0] ?? "";
    const runB = kind.exec(restB)?.[0] ?? "";
    const order = kind.source.includes("0-9") ? compareNumbers(runA, runB) : compareLetters(runA, runB);
    if (order !== 0) return order;
    restA = restA.slice(runA.length);
    restB = restB.slice(runB.length);
  }
}

/** Numbers of any length, without their leading zeros. */
function compareNumbers(a: string, b: string): number {
  const digitsA = a.replace(/^0+/, "");
  const digitsB = b.replace(/^0+/, "");
  if (digitsA.length !== digitsB.length) return digitsA.length - digitsB.length;
  return digitsA < digitsB ? -1 : digitsA > digitsB ? 1 : 0;
}

/** Bytes: capitals before small letters; of two with the same beginning the shorter is older. */
function compareLetters(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
