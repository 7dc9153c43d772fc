/** Changes of real inputs as data, so that fast-check can make them smaller when a parser fails on one. */
import * as fc from "fast-check";

type Kind = "flip" | "byte" | "number" | "text" | "cut" | "drop" | "double" | "noise" | "zeros";

interface Mutation {
  readonly kind: Kind;
  /** Where, as a share of the input. */
  readonly at: number;
  readonly length: number;
  readonly value: number;
}

/** What lengths, offsets and counts are when somebody means harm. */
const NUMBERS = [0n, 1n, 127n, 128n, 255n, 256n, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_fff0n, 0xffff_ffffn, 2n ** 53n];
const WIDTHS = [2, 4, 8];
const TEXTS = [
  "../",
  "/",
  "\0",
  "\n",
  "\r\n",
  "-1",
  "1e308",
  "99999999999999999999",
  "0x",
  "{",
  "}",
  "[",
  '"',
  "\\u0000",
  "__proto__",
  "é",
  "%2e",
];

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom<Kind>("flip", "byte", "number", "text", "cut", "drop", "double", "noise", "zeros"),
  // Not fc.double: nearly all of its numbers are close to zero.
  at: fc.integer({ min: 0, max: 2 ** 30 - 1 }).map((number) => number / 2 ** 30),
  length: fc.nat(64),
  value: fc.nat(0xffff),
});

/** One of the inputs with one to four changes, or bytes that look like nothing. */
export function mutated(inputs: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const changed = fc
    .tuple(fc.nat(inputs.length - 1), fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([which, mutations]) => mutations.reduce(apply, inputs[which] ?? Buffer.alloc(0)));
  const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 9, arbitrary: changed }, { weight: 1, arbitrary: random });
}

function apply(input: Buffer, { kind, at, length, value }: Mutation): Buffer {
  const place = Math.floor(at * input.length);
  const rest = input.subarray(Math.min(input.length, place + length));
  const slice = input.subarray(place, place + length);
  const replaced = (...middle: Uint8Array[]): Buffer => Buffer.concat([input.subarray(0, place), ...middle, rest]);
  const written = (bytes: Uint8Array): Buffer => {
    const output = Buffer.from(input);
    output.set(bytes.subarray(0, output.length - place), place);
    return output;
  };
  const by: Record<Kind, () => Buffer> = {
    flip: () => written(Uint8Array.of((input[place] ?? 0) ^ (1 << (value % 8)))),
    byte: () => written(Uint8Array.of(value)),
    number: () => written(numberBytes(value)),
    text: () => replaced(Buffer.from(TEXTS[value % TEXTS.length] ?? "")),
    cut: () => input.subarray(0, place),
    drop: () => replaced(),
    double: () => replaced(slice, slice),
    noise: () => written(Uint8Array.from({ length }, (_, index) => (value * (index + 7) * 2_654_435_761) >>> 24)),
    zeros: () => written(new Uint8Array(length)),
  };
  return by[kind]();
}

/** In both byte orders. */
function numberBytes(value: number): Uint8Array {
  const number = NUMBERS[value % NUMBERS.length] ?? 0n;
  const width = WIDTHS[(value >> 5) % WIDTHS.length] ?? 4;
  const bytes = Uint8Array.from({ length: width }, (_, index) => Number((number >> BigInt(8 * index)) & 0xffn));
  return (value & 0x4000) === 0 ? bytes : bytes.toReversed();
}
