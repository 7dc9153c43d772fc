/** Whole numbers in as few bytes as they need: seven bits in each, the lowest first, the eighth says that more follow. */
import { DeltaError } from "./errors.ts";

/** More than any size that a file can have here. */
const MAX = 2 ** 40;

export function putVarint(into: number[], value: number): void {
  let left = value;
  while (left > 127) {
    into.push((left % 128) | 128);
    left = Math.floor(left / 128);
  }
  into.push(left);
}

/** Numbers that may be negative: the sign is the lowest bit. */
export function putSigned(into: number[], value: number): void {
  putVarint(into, value < 0 ? -value * 2 - 1 : value * 2);
}

export interface VarintReader {
  /** @throws DeltaError at the end of the bytes, and above 2^40 */
  next(): number;
  signed(): number;
  /** So many bytes as they are. @throws DeltaError */
  take(count: number): Buffer;
  readonly left: number;
}

export function readVarints(bytes: Buffer): VarintReader {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new DeltaError("a number ends early");
      value += (byte & 127) * scale;
      if (value > MAX || scale > MAX) throw new DeltaError("a number is too large");
      if (byte < 128) return value;
    }
  };
  return {
    next,
    signed: () => {
      const value = next();
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    },
    take: (count) => {
      if (at + count > bytes.length) throw new DeltaError(`${count} bytes are wanted where ${bytes.length - at} are left`);
      return bytes.subarray(at, (at += count));
    },
    get left() {
      return bytes.length - at;
    },
  };
}
