/** What `ashlar drift` lists: one thing that differs from the generation that runs, with who answers for it. */

export type FindingKind = "file" | "unit" | "user" | "group" | "sysctl" | "kernel" | "mount" | "usr" | "var";

export interface Finding {
  readonly kind: FindingKind;
  /** A path, a unit, an account, a kernel parameter or argument. */
  readonly name: string;
  /** "added", "removed", "changed"; of units "enabled", "disabled", "masked", "unmasked", "edited", "failed", "stopped". */
  readonly change: string;
  /** What of it: "content", "mode", "owner", "xattrs", "kind"; in words for other kinds. */
  readonly what: readonly string[];
  /** The file that makes it differ, when `name` is not that file. */
  readonly path?: string;
  /** What the generation says, and what is; never of secrets. */
  readonly declared?: string;
  readonly running?: string;
  /** Its content is not printed. */
  readonly secret?: true;
}

/** A finding with its owners. */
export interface OwnedFinding extends Finding {
  /** The Debian package that brings it. */
  readonly package?: string;
  /** The option of the config that decides it: "files./etc/motd". */
  readonly option?: string;
}

/** Whether `operand` names this finding: by name, by file, as `kind:name`, or as a folder around it. */
export function isNamed(finding: Finding, operand: string): boolean {
  const names = [finding.name, finding.path, `${finding.kind}:${finding.name}`];
  if (names.includes(operand)) return true;
  if (finding.kind === "unit" && finding.name === `${operand}.service`) return true;
  return operand.startsWith("/") && names.some((name) => name?.startsWith(operand.endsWith("/") ? operand : `${operand}/`) === true);
}

/** By kind, then by the bytes of the name. */
export function compareFindings(a: Finding, b: Finding): number {
  const [one, other] = [`${a.kind}\0${a.name}\0${a.change}\0${a.path ?? ""}`, `${b.kind}\0${b.name}\0${b.change}\0${b.path ?? ""}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
