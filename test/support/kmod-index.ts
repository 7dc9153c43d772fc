/** Everything that is in a binary index of kmod, wherever its writer put the nodes. */

/** @returns "key priority value" of each entry, sorted */
export function indexEntries(index: Buffer): string[] {
  const found: string[] = [];
  walk(index, index.readUInt32BE(8), "", found);
  return found.sort();
}

function walk(index: Buffer, node: number, key: string, found: string[]): void {
  let at = node & 0x0fff_ffff;
  let path = key;
  if ((node & 0x8000_0000) !== 0) {
    const end = index.indexOf(0, at);
    path += index.toString("latin1", at, end);
    at = end + 1;
  }
  if ((node & 0x2000_0000) !== 0) {
    const [first, last] = [index[at]!, index[at + 1]!];
    for (let character = first; character <= last; character++) {
      const child = index.readUInt32BE(at + 2 + 4 * (character - first));
      if (child !== 0) walk(index, child, path + String.fromCharCode(character), found);
    }
    at += 2 + 4 * (last - first + 1);
  }
  if ((node & 0x4000_0000) === 0) return;
  const count = index.readUInt32BE(at);
  at += 4;
  for (let value = 0; value < count; value++) {
    const end = index.indexOf(0, at + 4);
    found.push(`${path} ${index.readUInt32BE(at)} ${index.toString("latin1", at + 4, end)}`);
    at = end + 1;
  }
}
