/** A parser of bytes that somebody else made, as the fuzzer sees it. */

export interface Parser {
  readonly name: string;
  /** Real ones, to change. */
  readonly inputs: readonly Buffer[];
  /** Makes checksums right again, without which nothing gets past the first lines of a parser. */
  readonly seal?: (bytes: Buffer) => Buffer;
  readonly read: (bytes: Buffer) => unknown;
}

/** For parsers of text. */
export function ofText(read: (text: string) => unknown): (bytes: Buffer) => unknown {
  return (bytes) => read(bytes.toString("utf8"));
}

/** Most bytes that anything may unpack to here. */
export const UNPACKED_MAX = 1 << 20;
