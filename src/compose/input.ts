/** A System as somebody would write it, so that the schema of configs can judge it. */
import type { System } from "#config/system.ts";

/**
 * @param textOf content of a file of the image: system.json leaves out what not everybody may read
 */
export function inputOf(system: System, textOf: (path: string) => string | undefined): unknown {
  const { schema: _schema, files, ...options } = system;
  const written = Object.entries(files).map(([path, { text, source, mode, owner, group }]) => {
    const content = source === undefined ? { text: text ?? textOf(path) ?? "" } : { source };
    return [path, { ...content, mode, owner, group }] as const;
  });
  return { ...options, files: Object.fromEntries(written) };
}
