/** Identity of stored content: the fs-verity digest (SHA-256, 4096-byte blocks, no salt) in 64 lower-case hex digits. */

declare const objectId: unique symbol;
export type ObjectId = string & { readonly [objectId]: true };

/** Narrows a string to an ObjectId, or returns undefined. Upper case, prefixes and path characters are refused. */
export function parseObjectId(text: string): ObjectId | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? (text as ObjectId) : undefined;
}
