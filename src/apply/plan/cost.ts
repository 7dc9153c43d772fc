/** What a change asks of the running system, from nothing to a restart of the machine. */

export const COSTS = ["none", "daemon-reload", "reload", "restart", "soft-reboot", "kexec", "reboot"] as const;
export type Cost = (typeof COSTS)[number];

/** The greatest of all; "none" of nothing. */
export function worstOf(costs: readonly Cost[]): Cost {
  return COSTS[Math.max(0, ...costs.map((cost) => COSTS.indexOf(cost)))] ?? "none";
}
