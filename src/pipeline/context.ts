/** What every pipeline function is given: where to work and where to report. */
import type { Reporter } from "#report/reporter.ts";
import type { Workspace } from "#workspace";

export interface Context {
  readonly workspace: Workspace;
  readonly report: Reporter;
}
