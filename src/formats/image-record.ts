/** The JSON form of an image's record (docs/formats/release.md), read strictly wherever it is part of another record. */
import { integer, list, literal, optional, record, string } from "./shape.ts";
import type { Shape } from "./shape.ts";

/** Names reach file names and the boot menu: no spaces, path characters or control characters. */
export const nameShape = string(63, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);

const sha256 = string(64, /^[0-9a-f]{64}$/);
// A kernel argument is one word of the loader entry's `options` line.
const argument = string(512, /^[\x21-\x7e]+$/);

/** @param objectId reader of a digest, as the store brands it */
export function imageShape<Id extends string>(objectId: Shape<Id>) {
  return record({
    version: literal(1),
    name: nameShape,
    digest: objectId,
    kernel: optional(
      record({
        version: string(128, /^[\w.+~-]+$/),
        linux: objectId,
        initrd: objectId,
        arguments: list(argument, 128),
      }),
    ),
    boot: record({ timeout: integer(0, 3600), tries: integer(0, 99) }),
    config: sha256,
    lock: sha256,
    epoch: integer(0, 2 ** 40),
  });
}
