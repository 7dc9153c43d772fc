/**
 * The order in which packages are configured: dependencies first, names in byte order where nothing else decides.
 * dpkg copes with any order; a fixed one makes what the scripts do the same on every run.
 */
import { compareBytes } from "#formats/bytes.ts";
import { controlField } from "./unpacked.ts";
import type { UnpackedPackage } from "./unpacked.ts";

/** Sorts by Pre-Depends and Depends, depth first; base-passwd, whose accounts all others need, comes first. */
export function configurationOrder(packages: readonly UnpackedPackage[]): UnpackedPackage[] {
  const sorted = [...packages].sort((a, b) => compareBytes(a.name, b.name) || compareBytes(a.architecture, b.architecture));
  const providers = new Map<string, UnpackedPackage[]>();
  for (const unpacked of sorted) {
    for (const name of [unpacked.name, ...names(controlField(unpacked.control, "Provides"))])
      providers.set(name, [...(providers.get(name) ?? []), unpacked]);
  }
  const ordered: UnpackedPackage[] = [];
  const seen = new Set<UnpackedPackage>();
  const visit = (unpacked: UnpackedPackage): void => {
    if (seen.has(unpacked)) return;
    seen.add(unpacked);
    for (const field of ["Pre-Depends", "Depends"]) {
      for (const name of names(controlField(unpacked.control, field))) for (const provider of providers.get(name) ?? []) visit(provider);
    }
    ordered.push(unpacked);
  };
  const first = ["base-passwd", "base-files"].flatMap((name) => providers.get(name) ?? []);
  // Their own dependencies are met by being unpacked; visiting them first would defeat the purpose.
  for (const unpacked of first)
    if (!seen.has(unpacked)) {
      seen.add(unpacked);
      ordered.push(unpacked);
    }
  for (const unpacked of sorted) visit(unpacked);
  return ordered;
}

function names(relations: string | undefined): string[] {
  return (relations ?? "")
    .split(/[,|]/)
    .map((relation) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(relation)?.[1] ?? "")
    .filter((name) => name !== "");
}
