/** Bit streams of zstd: written forwards, read backwards (RFC 8878, 4.1.1 and 4.2.2). */
import { ZstdError } from "./errors.ts";

/** A stream is read from its last bit to its first one. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  /** Bits that are left; negative when more were read than there are, which then are zeros. */
  left: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? bytes[end - 1]! : 0;
    if (last === 0) throw new ZstdError("a bit stream has no end mark");
    this.#bytes = bytes;
    this.#start = start;
    this.left = (end - start) * 8 - 1 - Math.clz32(last) + 24;
  }

  /** @param count at most 32 */
  read(count: number): number {
    if (count > 24) return this.read(count - 16) * 65536 + this.read(16);
    this.left -= count;
    if (this.left < 0) return this.left + count <= 0 ? 0 : this.#low(this.left + count) << -this.left;
    const at = this.#start + (this.left >> 3);
    const bytes = this.#bytes;
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    return (word >>> (this.left & 7)) & ((1 << count) - 1);
  }

  #low(count: number): number {
    const word = this.#bytes[this.#start]! | (this.#bytes[this.#start + 1]! << 8) | (this.#bytes[this.#start + 2]! << 16);
    return word & ((1 << count) - 1);
  }
}

/** Writes a stream that {@link BackwardBits} reads: what is written last is read first. */
export class BitWriter {
  readonly #bytes: Buffer;
  #at = 0;
  #word = 0;
  #held = 0;

  /** @param bytes where the stream goes; a stream that is longer throws */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @param count at most 32 */
  add(value: number, count: number): void {
    if (count > 16) {
      this.add(value & 0xffff, 16);
      this.add(value >>> 16, count - 16);
      return;
    }
    this.#word |= value << this.#held;
    this.#held += count;
    while (this.#held >= 8) {
      if (this.#at === this.#bytes.length) throw new ZstdError("a bit stream is longer than its block");
      this.#bytes[this.#at++] = this.#word;
      this.#word >>>= 8;
      this.#held -= 8;
    }
  }

  /** Adds the end mark. @returns bytes of the stream */
  finish(): number {
    this.add(1, 1);
    if (this.#held > 0) this.add(0, 8 - this.#held);
    return this.#at;
  }
}
