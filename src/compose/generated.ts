/**
 * Files that are made of other files when packages are installed. One of them is right where its inputs are those it was
 * made of: all as in this generation, or all as in the older one.
 */
import type { ByteString } from "#formats/bytes.ts";

export interface Generated {
  readonly output: RegExp;
  readonly inputs: RegExp;
  readonly by: string;
  /** The output names the files that it was made of, and only their names matter. */
  readonly lists?: (output: ByteString) => readonly ByteString[];
}

const GENERATED: readonly Generated[] = [
  // It maps sonames to paths, and a library keeps both from one version to the next.
  { output: /^\/etc\/ld\.so\.cache$/, inputs: /^\/usr\/lib(32|64)?\/.*\.so(\.|$)/, by: "ldconfig", lists: cachedLibraries },
  {
    output: /^\/etc\/ssl\/certs\//,
    inputs: /^\/usr\/(local\/)?share\/ca-certificates\/|^\/etc\/ca-certificates\.conf$/,
    by: "update-ca-certificates",
  },
  { output: /^\/usr\/lib\/udev\/hwdb\.bin$/, inputs: /^\/usr\/lib\/udev\/hwdb\.d\//, by: "systemd-hwdb" },
  { output: /^\/usr\/lib\/[^/]+\/gconv\/gconv-modules\.cache$/, inputs: /\/gconv\/(?!gconv-modules\.cache)/, by: "iconvconfig" },
  { output: /^\/usr\/share\/mime\/(?!packages\/)/, inputs: /^\/usr\/share\/mime\/packages\//, by: "update-mime-database" },
  { output: /\/schemas\/gschemas\.compiled$/, inputs: /\/glib-2\.0\/schemas\/.*\.(xml|override)$/, by: "glib-compile-schemas" },
  { output: /\/gio\/modules\/giomodule\.cache$/, inputs: /\/gio\/modules\/.*\.so$/, by: "gio-querymodules" },
  { output: /\/icon-theme\.cache$/, inputs: /^\/usr\/share\/icons\/(?!.*icon-theme\.cache$)/, by: "gtk-update-icon-cache" },
  {
    output: /\/gdk-pixbuf-2\.0\/[^/]+\/loaders\.cache$/,
    inputs: /\/gdk-pixbuf-2\.0\/[^/]+\/loaders\/.*\.so$/,
    by: "gdk-pixbuf-query-loaders",
  },
  { output: /\/gtk-[0-9.]+\/[^/]+\/immodules\.cache$/, inputs: /\/gtk-[0-9.]+\/[^/]+\/immodules\/.*\.so$/, by: "gtk-query-immodules" },
  {
    output: /^\/usr\/share\/applications\/mimeinfo\.cache$/,
    inputs: /^\/usr\/share\/applications\/.*\.desktop$/,
    by: "update-desktop-database",
  },
  { output: /^\/etc\/shells$/, inputs: /^\/usr\/share\/debianutils\/shells\.d\//, by: "update-shells" },
];

/** The row of the table for a path that is made of others. */
export function generatorOf(path: ByteString): Generated | undefined {
  return GENERATED.find(({ output }) => output.test(path));
}

/** Paths in a cache of ld.so(8): strings that end in a zero byte, where the libraries lie with /usr merged. */
function cachedLibraries(cache: ByteString): ByteString[] {
  return cache
    .split("\0")
    .filter((text) => /^\/[\x20-\x7e]+$/.test(text))
    .map((path) => path.replace(/^\/lib/, "/usr/lib"));
}

export interface Inputs {
  readonly newer: string;
  readonly older: string;
  readonly composed: string;
}

/** Whose output is right for the composed inputs; undefined when neither is. */
export function rightOutput({ newer, older, composed }: Inputs): "newer" | "older" | undefined {
  if (composed === newer) return "newer";
  return composed === older ? "older" : undefined;
}
