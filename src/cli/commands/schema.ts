import { defineCommand } from "../command.ts";

export const schemaCommand = defineCommand({
  brief: "Print the JSON Schema of a config",
  description: "Prints the JSON Schema of .yaml and .json configs, for editors. system.ts needs none: its types say the same.",
  examples: [{ arguments: "schema > ashlar.schema.json", does: "then point the editor at it" }],
  parameters: {},
  async run() {
    const { jsonSchema } = await import("#config/json-schema.ts");
    const schema = jsonSchema();
    return { json: schema, text: JSON.stringify(schema, undefined, 2) };
  },
});
