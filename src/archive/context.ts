/** What reading an archive is given. */
import type { Reporter } from "#report/reporter.ts";
import type { Workspace } from "#workspace";
import type { LockedArchive } from "#lock/lock.ts";
import type { Mirror } from "./mirror.ts";

export interface ArchiveRequest {
  /** "trixie"; its -updates and -security belong to it. */
  readonly suite: string;
  readonly architecture: string;
  readonly components: readonly string[];
  /** Exactly these snapshots, as a lock names them; else the newest one known. */
  readonly snapshots?: readonly LockedArchive[];
  /** Whether to ask the mirror: always, only for what is not known yet, or never. */
  readonly refresh: "always" | "missing" | "never";
}

export interface ArchiveContext {
  readonly workspace: Workspace;
  readonly report: Reporter;
  /** This machine's mirror unless given. */
  readonly mirror?: Mirror;
  /** Armored keys to trust; Debian's unless given. */
  readonly keys?: readonly string[];
  /** Milliseconds since 1970; for expiry. */
  readonly now?: number;
}
