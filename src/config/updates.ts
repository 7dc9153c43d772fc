/** Where releases come from and when a machine takes them, with every default filled in. */
import type { UpdatesInput } from "./input.ts";

/** Which generations stay besides those that are always kept. */
export interface Retention {
  readonly count: number;
  /** Absent: none goes for its age. */
  readonly days?: number;
  /** Keep the generation of the first installation. */
  readonly installed: boolean;
}

/** What a machine does by itself. */
export interface Automatic {
  readonly mode: "check" | "download" | "stage" | "apply";
  readonly hours: number;
  /** Minutes. */
  readonly jitter: number;
  /** As written: formats/time-window.ts reads them. */
  readonly window: readonly string[];
  /** Also over a metered connection. */
  readonly metered: boolean;
}

export interface Neighbours {
  /** Addresses without a slash at their end. */
  readonly ask: readonly string[];
  readonly serve: boolean;
  readonly port: number;
  /** Networks in the notation of systemd's IPAddressAllow=. */
  readonly allow: readonly string[];
}

export interface UpdatesSpec {
  /** Text of the root metadata (TUF) that says who may sign releases; absent: nobody may, and the machine takes none. */
  readonly root?: string;
  /** Where `upgrade` looks: all of them, the first that has the newest release is taken. */
  readonly source: readonly string[];
  readonly channel?: string;
  readonly mirror?: string;
  readonly retention: Retention;
  /** Absent: nothing happens by itself. */
  readonly automatic?: Automatic;
  readonly neighbours: Neighbours;
}

/** RFC 1918, RFC 4193, RFC 4291 §2.5.6. */
const PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"];
const NEIGHBOUR_PORT = 8472;

/** @param root text of the file that `input.root` names */
export function updatesOf(input: UpdatesInput = {}, root?: string): UpdatesSpec {
  const { source, channel, mirror, automatic } = input;
  return {
    ...(root === undefined ? {} : { root }),
    source: [...new Set(typeof source === "string" ? [source] : source)],
    ...(channel === undefined ? {} : { channel }),
    ...(mirror === undefined ? {} : { mirror }),
    retention: retentionOf(input.retention),
    ...(automatic === undefined ? {} : { automatic: automaticOf(automatic) }),
    neighbours: neighboursOf(input.neighbours),
  };
}

function retentionOf(written: UpdatesInput["retention"]): Retention {
  return {
    count: written?.count ?? 2,
    ...(written?.days === undefined ? {} : { days: written.days }),
    installed: written?.installed ?? true,
  };
}

function automaticOf(written: NonNullable<UpdatesInput["automatic"]>): Automatic {
  return {
    mode: written.mode ?? "stage",
    hours: written.hours ?? 6,
    jitter: written.jitter ?? 60,
    window: written.window ?? [],
    metered: written.metered ?? false,
  };
}

function neighboursOf(written: UpdatesInput["neighbours"]): Neighbours {
  return {
    ask: [...new Set(written?.ask ?? [])],
    serve: written?.serve ?? false,
    port: written?.port ?? NEIGHBOUR_PORT,
    allow: written?.allow ?? PRIVATE_NETWORKS,
  };
}
