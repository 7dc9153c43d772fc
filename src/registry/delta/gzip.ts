/**
 * Files that Debian's packages have compressed (`gzip -9n`, Debian Policy §12.3): changelogs and manuals, which change with each
 * version of a package. GNU gzip makes them again, byte for byte, and every Debian has it (Essential: yes); zlib makes others.
 */
import { hash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { AshlarError } from "#errors";
import { DeltaError } from "#formats/delta/errors.ts";
import { exec } from "#sys/exec.ts";

/** Names how such a file is made. */
export const GZIP = "gzip-9n";

/** A gzip member, deflated (RFC 1952 §2.3.1). */
export function isGzip(bytes: Buffer): boolean {
  return bytes.length > 18 && bytes.readUIntBE(0, 3) === 0x1f8b08;
}

/** @param most bytes of the content. @returns undefined for what is damaged or has more */
export function gunzip(bytes: Buffer, most: number): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    // What zlib refuses has a code of its own for each reason.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** @throws DeltaError where there is no gzip */
export async function gzip(content: Buffer): Promise<Buffer> {
  try {
    return (await exec("gzip", ["-9n"], { input: content })).stdout;
  } catch (cause) {
    if (cause instanceof AshlarError) throw new DeltaError("gzip does not run", { cause });
    throw cause;
  }
}

/** Long enough that every other program would have chosen something else somewhere. */
const SAMPLE_LINES = 20_000;
/** Of what GNU gzip makes of the sample. */
const SAMPLE_DIGEST = "b0b232741fba81d816bf76fb9b264f6307efa1e0603b3a1d271d3b0f5e492067";
let known: Promise<boolean> | undefined;

/** Whether the gzip of this machine is the one that Debian's packages are made with. */
export function isGnuGzip(): Promise<boolean> {
  return (known ??= gzip(sample()).then(
    (made) => hash("sha256", made) === SAMPLE_DIGEST,
    () => false,
  ));
}

function sample(): Buffer {
  return Buffer.from(Array.from({ length: SAMPLE_LINES }, (_, at) => `${(at * at) % 9973} of ${(at * 31) % 10007}\n`).join(""));
}
