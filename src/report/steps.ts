import type { ReportEvent, StepOutcome, Unit } from "./reporter.ts";
import { formatBytes, formatDuration, groupDigits } from "./format.ts";

/** What is known of one step, kept up to date from events; the renderers draw it. */
export interface StepState {
  readonly id: number;
  readonly name: string;
  readonly depth: number;
  readonly startedAt: number;
  readonly children: StepState[];
  progress: { readonly done: number; readonly total: number | undefined; readonly unit: Unit } | undefined;
  end: { readonly outcome: StepOutcome; readonly detail: string | undefined; readonly at: number } | undefined;
}

export type StepChange = { readonly step: StepState; readonly isRoot: boolean };

export interface StepTree {
  /** Applies one event and returns the step that it changed; undefined for a note or for a step that is not known. */
  apply(event: ReportEvent): StepChange | undefined;
}

/** Steps with rates and remaining time say so only once they have run this long; before, the numbers are noise. */
const SHOW_RATE_AFTER_MS = 1000;

/** Follows the events of one run. A finished root is forgotten, so that memory does not grow. */
export function createStepTree(): StepTree {
  const known = new Map<number, StepState>();
  const forget = (step: StepState): void => {
    known.delete(step.id);
    step.children.forEach(forget);
  };
  return {
    apply(event) {
      if (event.type === "note") return undefined;
      if (event.type === "start") {
        const parent = event.parent === undefined ? undefined : known.get(event.parent);
        const step: StepState = {
          id: event.step,
          name: event.name,
          depth: parent === undefined ? 0 : parent.depth + 1,
          startedAt: event.at,
          children: [],
          progress: undefined,
          end: undefined,
        };
        known.set(step.id, step);
        parent?.children.push(step);
        return { step, isRoot: parent === undefined };
      }
      const step = known.get(event.step);
      if (step === undefined) return undefined;
      if (event.type === "progress") step.progress = { done: event.done, total: event.total, unit: event.unit };
      else step.end = { outcome: event.outcome, detail: event.detail, at: event.at };
      const isRoot = step.depth === 0;
      if (isRoot && step.end !== undefined) forget(step);
      return { step, isRoot };
    },
  };
}

/** `120/212 packages, 30/s, 3.1 s left`; empty when the step has said nothing. */
export function describeProgress(step: StepState, now: number): string {
  if (step.progress === undefined) return "";
  const { done, total, unit } = step.progress;
  const elapsed = now - step.startedAt;
  const parts = [describeAmount(done, total, unit)];
  if (elapsed >= SHOW_RATE_AFTER_MS && done > 0) {
    const perSecond = (done / elapsed) * 1000;
    parts.push(unit === "bytes" ? `${formatBytes(Math.round(perSecond))}/s` : `${formatRate(perSecond)}/s`);
    if (total !== undefined && total > done) parts.push(`${formatDuration(((total - done) / perSecond) * 1000)} left`);
  }
  return parts.join(", ");
}

/** `212 packages, 4.1 s` or `cached`; the closing line of a step. */
export function describeEnd(step: StepState): string {
  if (step.end === undefined) return "";
  const { outcome, detail, at } = step.end;
  const facts = [outcome === "done" ? "" : outcome, detail ?? "", formatDuration(at - step.startedAt)];
  return facts.filter((fact) => fact !== "").join(", ");
}

function describeAmount(done: number, total: number | undefined, unit: Unit): string {
  if (unit === "bytes") return total === undefined ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
  const count = total === undefined ? groupDigits(done) : `${groupDigits(done)}/${groupDigits(total)}`;
  return `${count} ${unit}`;
}

function formatRate(perSecond: number): string {
  return perSecond >= 10 ? groupDigits(Math.round(perSecond)) : perSecond.toFixed(1);
}
