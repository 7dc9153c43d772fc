/** What is known of a running machine; gathered once, judged by the inspectors without looking again. */
import type { System } from "#config/system.ts";
import type { UnknownPath } from "#state/unknown.ts";
import type { UpperNode } from "./gather/upper.ts";
import type { ImageView } from "./image.ts";

export interface Facts {
  readonly system: System;
  readonly image: ImageView;
  /** Upper layer of /etc. */
  readonly etc: readonly UpperNode[];
  /** What lies in /run/systemd/system and /run/systemd/system.control. */
  readonly runtimeUnits: readonly RuntimeUnitFile[];
  readonly units: UnitStates;
  /** Value of a kernel parameter, "net.ipv4.ip_forward"; undefined when there is none. */
  readonly sysctl: (key: string) => string | undefined;
  /** Names below /proc/sys that a pattern with `*` stands for. */
  readonly sysctlsLike: (pattern: string) => readonly string[];
  /** /proc/cmdline. */
  readonly cmdline: string;
  /** `options` of the boot entry that was started; undefined when it cannot be read any more. */
  readonly entryOptions: string | undefined;
  /** /proc/self/mountinfo. */
  readonly mountinfo: string;
  /** Outermost paths under /var and /home that nothing declares. */
  readonly unknown: readonly UnknownPath[];
  /** A writable overlay over /usr. */
  readonly session: EditSession | undefined;
}

export interface RuntimeUnitFile {
  readonly path: string;
  /** Of a symbolic link. */
  readonly target?: string;
}

export interface UnitStates {
  readonly failed: readonly string[];
  /** Declared by the config, could run, ran, and runs no more. */
  readonly stopped: readonly string[];
}

/** What `ashlar edit` left mounted. */
export interface EditSession {
  /** Seconds since 1970. */
  readonly since: number;
  readonly by: string;
  readonly command: readonly string[];
  readonly changes: readonly UpperNode[];
}
