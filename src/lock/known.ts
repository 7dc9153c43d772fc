/** Names in a config that no archive has: found before apt is asked, to offer the names that were meant. */
import { builtinPackage } from "#archive/builtin.ts";
import type { Catalog } from "#archive/catalog.ts";
import { lockError } from "./errors.ts";
import { nearestNames } from "./nearest.ts";

/** @throws E_LOCK_UNKNOWN_PACKAGE naming each unknown package and what may have been meant */
export function checkKnown(names: readonly string[], catalog: Catalog): void {
  const unknown = names.flatMap((name) => {
    if (name === builtinPackage().locked.name || catalog.candidates(name).length > 0) return [];
    const providers = catalog.providers(name).map((provider) => provider.name);
    return providers.length === 1 ? [] : [{ name, providers }];
  });
  if (unknown.length === 0) return;
  const known = [...catalog.names()];
  const problems = unknown.map(({ name, providers }) => ({
    name,
    meant: providers.length > 0 ? providers : nearestNames(name, known),
    providers,
  }));
  const lines = problems.map(({ name, meant, providers }) =>
    providers.length > 0
      ? `${name} is provided by several packages: ${providers.join(", ")}`
      : `there is no package ${name}${meant.length > 0 ? `; did you mean ${meant.join(", ")}?` : ""}`,
  );
  throw lockError("E_LOCK_UNKNOWN_PACKAGE", lines.join("\n"), {
    hint: "correct `packages` in the config (a package of contrib or non-free needs distribution.components), then run `ashlar lock`",
    details: { unknown: problems.map(({ name, meant }) => ({ name, nearest: meant })) },
  });
}
