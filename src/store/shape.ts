import { parsed } from "#formats/shape.ts";
import type { Shape } from "#formats/shape.ts";
import { parseObjectId } from "./object.ts";
import type { ObjectId } from "./object.ts";

/** Reads an object's name out of untrusted JSON. */
export const objectIdShape: Shape<ObjectId> = parsed(parseObjectId, "64 lower-case hexadecimal digits");
