/** The JSON Schema that `ashlar schema` prints; editors use it for `.yaml` and `.json` configs. */
import * as z from "zod";
import { systemSchema } from "./schema.ts";

/** JSON Schema (draft 2020-12, https://json-schema.org/draft/2020-12) of a written config. */
export function jsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(systemSchema, { io: "input", target: "draft-2020-12" }), title: "Ashlar system" };
}
