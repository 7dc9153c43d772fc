/** A line of the table of faults. */
export interface Row {
  /** Of the fault matrix. */
  readonly id: string;
  readonly fault: string;
  readonly tried: number;
  readonly survived: number;
  /** What broke a promise, in words. */
  readonly problems: readonly string[];
  /** Where it is shown, when not by this program. */
  readonly shownIn?: string;
}
