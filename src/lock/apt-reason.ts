/** apt's reason why something cannot be installed, for people. */

/**
 * " php : Depends: php8.4 (>= 2) but it is not going to be installed" → "php needs php8.4 (>= 2), which is not going to
 * be installed". Lines that are no such relation (a conflict in words, an E: line) are kept when there is nothing better.
 */
export function readableReasons(output: string): string[] {
  const reasons: string[] = [];
  let subject = "";
  for (const line of output.split("\n")) {
    const match = /^ (?:(\S+) : |\s+)(Depends|PreDepends|Pre-Depends|Recommends|Conflicts|Breaks): (.+?)( but .+)?$/.exec(line);
    if (match === null) continue;
    const [, name, kind = "", relation = "", but = ""] = match;
    subject = name ?? subject;
    const verb = kind === "Conflicts" || kind === "Breaks" ? "conflicts with" : "needs";
    reasons.push(`${subject} ${verb} ${relation}${but.replace(/^ but (it )?/, ", which ")}`);
  }
  if (reasons.length > 0) return [...new Set(reasons)];
  const errors = output.split("\n").filter((line) => line.startsWith("E: "));
  return errors.length > 0 ? errors.map((line) => line.slice(3)) : [output.trim().split("\n").at(-1) ?? ""];
}
