import type { StoreProblem } from "#store/fsck.ts";

/** One line about one problem of a store. */
export function formatStoreProblem(problem: StoreProblem): string {
  return `${problem.path}: ${reasonOf(problem)}`;
}

function reasonOf(problem: StoreProblem): string {
  if (problem.kind === "corrupt") return `its content has the digest ${problem.found.slice(0, 16)}`;
  if (problem.kind === "unreadable" || problem.kind === "image") return `it cannot be read: ${problem.reason}`;
  if (problem.kind === "unprotected") return "fs-verity is not on";
  return problem.kind === "missing" ? `missing; image ${problem.neededBy.slice(0, 16)} needs it` : "does not belong into a store";
}
