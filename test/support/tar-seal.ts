/** Headers of tar archives that were altered on purpose, with a checksum that is right again. */

/** @param block the 512 bytes of a header */
export function sealHeader(block: Buffer): void {
  block.write(" ".repeat(8), 148, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
