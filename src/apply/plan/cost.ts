/** What a change asks of the running system, from nothing to a restart of the machine. */

export const COSTS = ["none", "daemon-reload", "reload", "restart", "soft-reboot", "kexec", "reboot"] as const;
export type Cost = (typeof COSTS)[number];

/** The greater of two costs. */
export function worse(a: Cost, b: Cost): Cost {
  return COSTS.indexOf(a) >= COSTS.indexOf(b) ? a : b;
}

/** The greatest of all; "none" of nothing. */
export function worstOf(costs: Iterable<Cost>): Cost {
  let worst: Cost = "none";
  for (const cost of costs) worst = worse(worst, cost);
  return worst;
}
