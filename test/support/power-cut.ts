/** A power cut in the middle of a process: after so many writes to the disk none gets through any more. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** What every call that changes something throws once the power is gone. */
class PowerCut extends Error {
  override readonly name = "PowerCut";
}

type Call = (...args: unknown[]) => unknown;
/** Synchronous calls that change names or contents; opening does when it may create a file. */
const CHANGES = ["renameSync", "rmSync", "writeSync", "writeFileSync", "mkdirSync", "ftruncateSync", "linkSync", "symlinkSync"] as const;

/**
 * Runs `work` with the power cut before its nth change.
 * @param changes how many changes get through
 * @returns whether the power was cut; what `work` throws otherwise is thrown
 */
export async function withPowerCut(changes: number, work: () => Promise<void>): Promise<boolean> {
  let left = changes;
  let cut = false;
  const table = fs as unknown as Record<string, Call>;
  const real = new Map([...CHANGES, "openSync"].map((name) => [name, table[name] as Call]));
  const guarded =
    (call: Call, isChange: (args: unknown[]) => boolean): Call =>
    (...args) => {
      if (isChange(args) && (cut || left-- <= 0)) {
        cut = true;
        throw new PowerCut("the power is gone");
      }
      return call(...args);
    };
  for (const [name, call] of real) table[name] = guarded(call, name === "openSync" ? ([, flags]) => creates(flags) : () => true);
  syncBuiltinESMExports();
  try {
    await work();
  } catch (error) {
    // Whatever a dying process says does not matter: what is on the disk does.
    if (!cut) throw error;
  } finally {
    for (const [name, call] of real) table[name] = call;
    syncBuiltinESMExports();
  }
  return cut;
}

function creates(flags: unknown): boolean {
  return typeof flags === "number" ? (flags & fs.constants.O_CREAT) !== 0 : typeof flags === "string" && /[wa]/.test(flags);
}
