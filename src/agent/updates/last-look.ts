/**
 * What the last look for a release found, so that `ashlar status` can say it without a network. Only a memory: one that is
 * missing or cannot be read says nothing.
 */
import { join } from "node:path";
import type { Machine } from "#deployment/machine.ts";
import { ShapeError, boolean, integer, list, literal, optional, record, string } from "#formats/shape.ts";
import { formatBytes, formatCount } from "#report/format.ts";
import { objectIdShape } from "#store/shape.ts";
import { writeFileAtomic } from "#sys/atomic.ts";
import { textIfThere } from "#sys/if-there.ts";

const PASSED_MAX = 64;
const TEXT_MAX = 4096;

const text = string(TEXT_MAX);

const foundShape = record({
  sequence: integer(1),
  image: objectIdShape,
  address: text,
  /** Objects and bytes (uncompressed) that this machine lacks. */
  missing: record({ objects: integer(0), bytes: integer(0) }),
  /** Bytes that will travel: just so many, or at most. */
  wire: optional(record({ bytes: integer(0), exact: boolean })),
  /** Everything is here; nothing starts it yet. */
  downloaded: boolean,
  /** Whether the kernel is another one than that which runs. */
  kernel: boolean,
  /** What running it takes, where that is known: "reboot", "restart of nginx.service". */
  plan: optional(text),
});

const lookShape = record({
  version: literal(1),
  /** Seconds since 1970. */
  when: integer(0, 2 ** 40),
  /** Absent when none was found. */
  release: optional(foundShape),
  passed: list(record({ address: text, why: text }), PASSED_MAX),
  /** Why there is none: what failed, or what kept this machine from looking. */
  failure: optional(text),
});

export type FoundRelease = ReturnType<typeof foundShape>;
export type LastLook = ReturnType<typeof lookShape>;

export function readLastLook(machine: Machine): LastLook | undefined {
  const written = textIfThere(pathIn(machine));
  if (written === undefined) return undefined;
  try {
    return lookShape(JSON.parse(written), "");
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ShapeError) return undefined;
    throw error;
  }
}

/** Everybody may read it: addresses hold no passwords (logins are in root's own files). */
export function writeLastLook(machine: Machine, look: Omit<LastLook, "version">): void {
  const passed = look.passed.slice(0, PASSED_MAX).map(({ address, why }) => ({ address: short(address), why: short(why) }));
  const failure = look.failure === undefined ? {} : { failure: short(look.failure) };
  writeFileAtomic(pathIn(machine), `${JSON.stringify({ version: 1, ...look, passed, ...failure })}\n`);
}

/** One line about a release that was found. */
export function describeRelease(
  { sequence, address, missing, wire, downloaded, kernel, plan }: FoundRelease,
  generation: number | undefined,
): string {
  if (generation !== undefined) return `Release ${sequence}, the newest, is generation ${generation}.`;
  const what = downloaded
    ? "is downloaded; `ashlar upgrade` makes it the next to start"
    : `is available at ${address}: ${formatCount(missing.objects, "object")}, ${sizeOf(wire, missing.bytes)} to fetch`;
  // What units do with it can be said when they are here.
  const takes = plan ?? (kernel ? "reboot (another kernel)" : "no reboot (the same kernel)");
  return `Release ${sequence} ${what}. To run it: ${takes}.`;
}

function sizeOf(wire: FoundRelease["wire"], bytes: number): string {
  return wire?.exact === true ? formatBytes(wire.bytes) : `at most ${formatBytes(wire?.bytes ?? bytes)}`;
}

function short(line: string): string {
  return line.slice(0, TEXT_MAX);
}

function pathIn({ sysroot }: Machine): string {
  return join(sysroot, "ashlar/update.json");
}
