/**
 * The trial of a generation, as a pure function of what happens to it:
 *
 *         stage             start (the boot loader counts)
 *   new ─────────▶ trying(n) ────────▶ trying(n-1) … trying(0)
 *                    │    │ bless                      │ another one starts instead
 *                    │    └─────────▶ good             │
 *                    └─────────▶ bad ◀─────────────────┘
 *                       condemn    └───▶ trying(n)
 *                                 retry
 *
 * The state is stored nowhere beside what it speaks of: it is the counter in the name of the boot entry, which the boot
 * loader itself changes. The journal (trials.ts) only remembers the bad ones, with the reason, when their entries are gone.
 */

export type TrialState =
  /** No boot entry: unknown, or its staging was interrupted. */
  | { readonly is: "new" }
  /** It may be started `left` more times. With 0 left this start, which runs, is the last one. */
  | { readonly is: "trying"; readonly left: number }
  | { readonly is: "good" }
  /** The boot loader passes over it, and it is not staged again unless somebody says so. */
  | { readonly is: "bad" };

export type TrialEvent =
  /** It is to be what starts next: by an upgrade; by one that does not mind that it is bad; by going back to it. */
  | "stage"
  | "retry"
  | "return"
  /** The boot loader starts it. */
  | "start"
  /** Its probes passed, or failed. */
  | "bless"
  | "condemn"
  /** Somebody looks: what happened meanwhile goes into the journal. */
  | "settle"
  | "collect";

/** What makes the new state true, in this order. Each may be repeated. */
export type TrialEffect =
  /** Write the boot entry, with its tries; the highest activation makes it the next. */
  | "install"
  /** Give its entry the highest activation. */
  | "activate"
  /** Take the counter from the entry's name. */
  | "uncount"
  /** Leave the entry no try. Before `deny`: it needs no free block, and a power cut in between keeps it from starting. */
  | "exhaust"
  /** Put the image on the deny list, or take it off. */
  | "deny"
  | "forgive"
  /** Remove the entry and retire the record. */
  | "remove";

export interface Transition {
  readonly state: TrialState;
  readonly effects: readonly TrialEffect[];
  /** The event is not allowed in this state; nothing changes. */
  readonly refused?: true;
}

/** What a state is read from. */
export interface TrialFacts {
  /** Its boot entry; without `tries` when it is not counted. */
  readonly entry: { readonly tries?: { readonly left: number } } | undefined;
  readonly booted: boolean;
  /** The journal has a verdict of this very generation. */
  readonly judged: boolean;
  /** The journal denies its image. */
  readonly denied: boolean;
}

/** The state of one generation. The entry says more than the journal: an image that is tried again is denied until it is good. */
export function trialOf({ entry, booted, judged, denied }: TrialFacts): TrialState {
  if (entry === undefined) return { is: denied ? "bad" : "new" };
  if (entry.tries === undefined) return { is: "good" };
  const { left } = entry.tries;
  return left === 0 && (!booted || judged) ? { is: "bad" } : { is: "trying", left };
}

/** True when the boot loader starts it when its activation is the highest. */
export function isStartable(state: TrialState): boolean {
  return state.is === "good" || (state.is === "trying" && state.left > 0);
}

/**
 * What an event makes of a generation.
 * @param tries starts that a newly installed one gets
 */
export function transition(state: TrialState, event: TrialEvent, tries = 0): Transition {
  const change = TABLE[state.is][event];
  if (change === "refused") return { state, effects: [], refused: true };
  const { to, effects } = change;
  return { state: next(state, to, tries), effects };
}

type Change = { readonly to: "same" | "counted" | TrialState["is"]; readonly effects: readonly TrialEffect[] } | "refused";

const to = (state: Exclude<Change, "refused">["to"], ...effects: TrialEffect[]): Change => ({ to: state, effects });
const same = to("same");

/** Every state and every event, so that none is forgotten. */
const TABLE: Readonly<Record<TrialState["is"], Readonly<Record<TrialEvent, Change>>>> = {
  new: {
    stage: to("trying", "install"),
    retry: to("trying", "install"),
    return: "refused",
    start: "refused",
    bless: "refused",
    condemn: "refused",
    settle: same,
    collect: to("new", "remove"),
  },
  trying: {
    stage: to("same", "activate"),
    retry: to("same", "activate"),
    return: to("same", "activate"),
    start: to("counted"),
    bless: to("good", "uncount", "forgive"),
    condemn: to("bad", "exhaust", "deny"),
    settle: same,
    collect: to("new", "remove"),
  },
  good: {
    stage: to("same", "activate"),
    retry: to("same", "activate"),
    return: to("same", "activate"),
    start: same,
    bless: to("same", "forgive"),
    // A good one that fails later is a matter for people: going back by itself could lose what was written since.
    condemn: "refused",
    settle: to("same", "forgive"),
    collect: to("new", "remove"),
  },
  bad: {
    stage: "refused",
    retry: to("trying", "install"),
    return: "refused",
    // Only when nothing else is left: then a machine that runs is better than one that does not.
    start: same,
    bless: to("good", "uncount", "forgive"),
    // The first verdict is the one that says why.
    condemn: to("same", "exhaust"),
    settle: to("same", "deny"),
    collect: to("same", "deny", "remove"),
  },
};

function next(state: TrialState, is: Exclude<Change, "refused">["to"], tries: number): TrialState {
  if (is === "same") return state;
  if (is === "counted") return { is: "trying", left: state.is === "trying" ? Math.max(0, state.left - 1) : 0 };
  return is === "trying" ? { is, left: tries } : { is };
}
