/** What a plan has to know of the running system; `facts/` gathers it. */

export interface RunningUnit {
  readonly name: string;
  /** Of a service: "simple", "notify", "oneshot", …; empty for other units. */
  readonly type: string;
  /** It has ExecReload. */
  readonly canReload: boolean;
  /** Programs and libraries in the memory of its processes. */
  readonly mapped: ReadonlySet<string>;
}

export interface Facts {
  /** Active units. */
  readonly units: readonly RunningUnit[];
  /** Programs and libraries in the memory of process 1. */
  readonly init: ReadonlySet<string>;
  /** Paths of /etc that were changed on this machine, so that the image's are not seen. */
  readonly edited: ReadonlySet<string>;
  /** False when only root may see all of it: then packages alone decide. */
  readonly complete: boolean;
}
