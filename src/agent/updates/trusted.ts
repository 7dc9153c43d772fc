/**
 * What this machine has verified about who may sign its releases: `/sysroot/ashlar/trust.json`, one file, written aside and
 * renamed, so that its parts always fit together. It is of the machine, not of a generation: going back, or a factory reset,
 * does not make a revoked key good again.
 */
import { hash } from "node:crypto";
import { join } from "node:path";
import type { System } from "#config/system.ts";
import type { Machine } from "#deployment/machine.ts";
import { AshlarError, messageOf } from "#errors";
import { ShapeError, list, literal, optional, record, string } from "#formats/shape.ts";
import type { TrustedMetadata } from "#registry/trust/client.ts";
import { METADATA_MAX } from "#registry/trust/layout.ts";
import { readRaw } from "#registry/trust/metadata.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { textIfThere } from "#sys/if-there.ts";

/** More roots than any machine is taken through. */
const ROOTS_MAX = 1024;

const trustShape = record({
  version: literal(1),
  /** sha256 of every root that was trusted, in this order: an image may begin with any of them. */
  roots: list(string(64, /^[0-9a-f]{64}$/), ROOTS_MAX),
  root: string(METADATA_MAX.root),
  timestamp: optional(string(METADATA_MAX.timestamp)),
  snapshot: optional(string(METADATA_MAX.snapshot)),
  targets: optional(string(METADATA_MAX.targets)),
});

type TrustRecord = ReturnType<typeof trustShape>;

export interface TrustState {
  /** Undefined when neither the machine nor its image names anybody. */
  readonly trusted: TrustedMetadata | undefined;
  /** What was wrong with the file; then the image's root counts alone. */
  readonly problem?: string;
}

/** The newer of what the machine has verified and what its image says. */
export function readTrusted(machine: Machine, { updates }: System): TrustState {
  const image = updates.root === undefined ? undefined : Buffer.from(updates.root);
  const { known, problem } = readRecord(machine);
  const note = problem === undefined ? {} : { problem };
  if (known === undefined) return { trusted: image === undefined ? undefined : { root: image }, ...note };
  const stored: TrustedMetadata = {
    root: Buffer.from(known.root),
    ...Object.fromEntries(
      (["timestamp", "snapshot", "targets"] as const).flatMap((role) =>
        known[role] === undefined ? [] : [[role, Buffer.from(known[role])]],
      ),
    ),
  };
  return { trusted: image !== undefined && isNewer(image, known) ? { ...stored, root: image } : stored, ...note };
}

/** An image's root that was never seen counts from its version on: the image was vouched for, so it is. */
function isNewer(image: Buffer, { root, roots }: TrustRecord): boolean {
  if (roots.includes(hash("sha256", image, "hex"))) return false;
  return (
    readRaw(image, "root", "the image's root").signed.version >= readRaw(Buffer.from(root), "root", "the machine's root").signed.version
  );
}

/**
 * Keeps what was verified. Of several sources the one that was signed last counts, as a whole.
 * @param forget what is kept so far is signed by keys that do not count any more
 */
export function writeTrusted(machine: Machine, trusted: TrustedMetadata, forget = false): void {
  const { known } = readRecord(machine);
  if (known !== undefined && !forget && isAhead(known, trusted)) return;
  const digest = hash("sha256", trusted.root, "hex");
  const roots = known?.roots ?? [];
  const part = (role: Part): Partial<TrustRecord> => (trusted[role] === undefined ? {} : { [role]: trusted[role].toString("utf8") });
  const written: TrustRecord = {
    version: 1,
    roots: roots.includes(digest) ? roots : [...roots, digest].slice(-ROOTS_MAX),
    root: trusted.root.toString("utf8"),
    ...part("timestamp"),
    ...part("snapshot"),
    ...part("targets"),
  };
  writeFileAtomic(pathIn(machine), `${JSON.stringify(written)}\n`);
}

type Part = "timestamp" | "snapshot" | "targets";

/** Whether what is known came later: by its root, else by its timestamp. */
function isAhead(known: TrustRecord, trusted: TrustedMetadata): boolean {
  const version = (role: "root" | "timestamp", text: Buffer | string | undefined): number =>
    text === undefined ? 0 : readRaw(Buffer.from(text), role, "what this machine verified").signed.version;
  const [old, fresh] = [version("root", known.root), version("root", trusted.root)];
  return old === fresh ? version("timestamp", known.timestamp) > version("timestamp", trusted.timestamp) : old > fresh;
}

function readRecord(machine: Machine): { readonly known?: TrustRecord; readonly problem?: string } {
  const path = pathIn(machine);
  const text = textIfThere(path);
  if (text === undefined) return {};
  try {
    const known = trustShape(JSON.parse(text), "");
    for (const role of ["root", "timestamp", "snapshot", "targets"] as const)
      if (known[role] !== undefined) readRaw(Buffer.from(known[role]), role, path);
    return { known };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ShapeError || error instanceof AshlarError)) throw error;
    return { problem: `${path} cannot be read (${messageOf(error)}); what the image says about keys counts until the next look` };
  }
}

function pathIn({ sysroot }: Machine): string {
  return join(sysroot, "ashlar/trust.json");
}
