/**
 * Progress is typed events; build code never prints. Renderers (terminal, plain, JSON lines) are consumers.
 * The event protocol is versioned: `docs/formats/progress.md`.
 */

export type Unit = "bytes" | "files" | "packages" | "objects" | "steps";

export type StepOutcome = "done" | "cached" | "failed";

export type ReportEvent =
  | { readonly type: "start"; readonly step: number; readonly parent: number | undefined; readonly name: string; readonly at: number }
  | {
      readonly type: "progress";
      readonly step: number;
      readonly done: number;
      readonly total: number | undefined;
      readonly unit: Unit;
      readonly at: number;
    }
  | { readonly type: "end"; readonly step: number; readonly outcome: StepOutcome; readonly detail: string | undefined; readonly at: number }
  | { readonly type: "note"; readonly level: "info" | "warning"; readonly text: string; readonly at: number };

/** What a running step can say about itself. */
export interface Step {
  /** Reports absolute progress; call as often as you like, renderers throttle. */
  progress(done: number, total: number | undefined, unit: Unit): void;
  /** Marks the result as taken from a cache. */
  cached(): void;
  /** One short fact for the closing line ("212 packages, 88 MB"). */
  detail(text: string): void;
  /** Runs a step inside this one. */
  step<T>(name: string, work: (step: Step) => Promise<T>): Promise<T>;
  note(level: "info" | "warning", text: string): void;
}

/** Where steps begin. `step` rethrows what `work` throws, after reporting the failure. */
export type Reporter = Pick<Step, "step" | "note">;

/** Makes a reporter that sends each event, in order, to `emit`. */
export function createReporter(emit: (event: ReportEvent) => void, now: () => number = Date.now): Reporter {
  let count = 0;
  const note = (level: "info" | "warning", text: string): void => emit({ type: "note", level, text, at: now() });

  async function run<T>(parent: number | undefined, name: string, work: (step: Step) => Promise<T>): Promise<T> {
    const step = ++count;
    let outcome: StepOutcome = "failed";
    let succeeded: StepOutcome = "done";
    let detail: string | undefined;
    emit({ type: "start", step, parent, name, at: now() });
    try {
      const result = await work({
        progress: (done, total, unit) => emit({ type: "progress", step, done, total, unit, at: now() }),
        cached: () => void (succeeded = "cached"),
        detail: (text) => void (detail = text),
        step: (inner, innerWork) => run(step, inner, innerWork),
        note,
      });
      outcome = succeeded;
      return result;
    } finally {
      emit({ type: "end", step, outcome, detail, at: now() });
    }
  }
  return { step: (name, work) => run(undefined, name, work), note };
}

/** A reporter that says nothing; for libraries' callers and tests. */
export const silentReporter: Reporter = createReporter(() => {});
