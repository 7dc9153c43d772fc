/** A System as somebody would write it, so that the schema of configs can judge it. */
import type { System } from "#config/system.ts";

/**
 * @param textOf content of a file of the image: system.json leaves out what not everybody may read
 */
export function inputOf(system: System, textOf: (path: string) => string | undefined): unknown {
  // An image of an older Ashlar has no layers.
  const { schema: _schema, files, layers, ...options } = system as Omit<System, "layers"> & Partial<Pick<System, "layers">>;
  const written = Object.entries(files).map(([path, { text, source, mode, owner, group }]) => {
    const content = source === undefined ? { text: text ?? textOf(path) ?? "" } : { source };
    return [path, { ...content, mode, owner, group }] as const;
  });
  const sources = (list: System["layers"]["debs"]): string[] => list.map(({ source }) => source);
  const added = layers && { packages: layers.packages, debs: sources(layers.debs), folders: sources(layers.folders) };
  return { ...options, ...(added === undefined ? {} : { layers: added }), files: Object.fromEntries(written) };
}
