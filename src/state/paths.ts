/**
 * Where a machine keeps what it knows of its data:
 *
 *   /state/ashlar/kept             paths of `ashlar state keep`, one to a line; the initrd reads it
 *   /state/ashlar/state.json       the last look: sizes, and the generation in which each path came
 *   /state/ashlar/schemas.json     version of each service's data
 *   /state/snapshots/UNIT/NNNNNN/  copies of it, with meta.json
 *   /state/wiped/NNNNNN/var        what an ephemeral /var left behind
 */
import { join } from "node:path";
import type { Machine } from "#deployment/machine.ts";

export interface StatePaths {
  readonly kept: string;
  readonly samples: string;
  readonly schemas: string;
  readonly snapshots: string;
  readonly wiped: string;
}

/** Where a path below /var, /srv or /home lies on the disk; from there it can be renamed into other folders of /state. */
export function onDisk({ sysroot }: Pick<Machine, "sysroot">, path: string): string {
  return join(sysroot, "state", path);
}

export function statePaths({ sysroot }: Pick<Machine, "sysroot">): StatePaths {
  const state = join(sysroot, "state");
  return {
    kept: join(state, "ashlar/kept"),
    samples: join(state, "ashlar/state.json"),
    schemas: join(state, "ashlar/schemas.json"),
    snapshots: join(state, "snapshots"),
    wiped: join(state, "wiped"),
  };
}
