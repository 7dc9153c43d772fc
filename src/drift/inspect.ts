/** Everything that differs from the generation: a list of small inspectors over the same facts. */
import type { Facts } from "./facts.ts";
import { compareFindings } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { ACCOUNT_FILES, inspectAccounts } from "./inspect/accounts.ts";
import { inspectFiles } from "./inspect/files.ts";
import { inspectKernel } from "./inspect/kernel.ts";
import { inspectMounts } from "./inspect/mounts.ts";
import { inspectState } from "./inspect/state.ts";
import { inspectSysctls } from "./inspect/sysctl.ts";
import { inspectUnits, isUnitPath } from "./inspect/units.ts";

const INSPECTORS: readonly ((facts: Facts) => readonly Finding[])[] = [
  inspectEtc,
  inspectUnits,
  inspectAccounts,
  inspectSysctls,
  inspectKernel,
  inspectMounts,
  inspectSession,
  inspectState,
];

/** All findings, sorted by kind and name. */
export function inspect(facts: Facts): Finding[] {
  return INSPECTORS.flatMap((inspector) => inspector(facts)).sort(compareFindings);
}

/** Files of /etc; those about units and accounts are told by their own inspectors. */
function inspectEtc(facts: Facts): Finding[] {
  const told = new Set(inspectAccounts(facts).map(({ kind }) => kind));
  const kept = facts.system.state.etc.map((path) => `/etc/${path}`);
  return inspectFiles(facts.etc, { kind: "file", image: facts.image, kept }).flatMap((finding): Finding[] => {
    if (isUnitPath(finding.name)) return [];
    if (!ACCOUNT_FILES.has(finding.name) || finding.change !== "changed") return [finding];
    const isTold = told.has(/group|gshadow/.test(finding.name) ? "group" : "user");
    const what = finding.what.filter((part) => part !== "content" || !isTold);
    return what.length === 0 ? [] : [{ ...finding, what }];
  });
}

function inspectSession({ session, image }: Facts): readonly Finding[] {
  return session === undefined ? [] : inspectFiles(session.changes, { kind: "usr", image, kept: [] });
}
