/**
 * Which generations stay: what runs, what starts next, what is pinned, being staged or named by the menu's Failsafe entry, the
 * installed one when the config wants it, two good ones whatever else is said, and the newest by number and age.
 */
import type { ObjectId } from "#store/object.ts";
import type { Generation } from "./generations.ts";

export interface RetentionRules {
  /** Newest startable generations to keep. */
  readonly count: number;
  /** Of those, ones that were staged longer ago go. */
  readonly days?: number;
  /** The generation of the first installation stays. */
  readonly installed: boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

const DAY = 86_400;
/** One to run and one to go back to. */
const GOOD_MIN = 2;

/**
 * Why each generation that stays does so, by number.
 * @param also.staging the image that is being staged
 * @param also.recovery generations whose image a recovery entry starts
 */
export function retained(
  generations: readonly Generation[],
  rules: RetentionRules,
  also: { readonly staging?: ObjectId | undefined; readonly recovery?: readonly number[] } = {},
): Map<number, string> {
  const kept = new Map<number, string>();
  const add = (generation: Generation | undefined, why: string): void => {
    if (generation !== undefined && !kept.has(generation.number)) kept.set(generation.number, why);
  };
  const addAll = (which: (generation: Generation) => boolean, why: string): void =>
    generations.filter(which).forEach((generation) => add(generation, why));
  addAll(({ booted, running }) => booted || running, "running");
  addAll(({ next }) => next, "starts next");
  addAll(({ deployment }) => deployment.pinned, "pinned");
  addAll(({ deployment, entry }) => deployment.image.digest === also.staging && entry === undefined, "being staged");
  const byActivation = generations
    .filter(({ state }) => state?.is === "good" || state?.is === "trying")
    .sort((a, b) => (b.entry?.activation ?? 0) - (a.entry?.activation ?? 0));
  const good = byActivation.filter(({ state }) => state?.is === "good");
  for (const generation of good.slice(0, GOOD_MIN)) add(generation, "good");
  add(
    good.find(({ booted, next }) => !booted && !next),
    "last good",
  );
  const oldest = rules.days === undefined ? 0 : rules.now - rules.days * DAY;
  for (const generation of byActivation.slice(0, rules.count)) if (generation.deployment.created >= oldest) add(generation, "newest");
  addAll(({ number }) => also.recovery?.includes(number) === true, "failsafe");
  if (rules.installed) addAll((generation) => isInstalled(generation), "installed");
  return new Map([...kept].sort(([a], [b]) => a - b));
}

/** The generation that the machine's disk was made with: what a factory reset goes back to. */
export function isInstalled({ deployment, entry }: Generation): boolean {
  return deployment.origin === "disk" && entry !== undefined;
}
