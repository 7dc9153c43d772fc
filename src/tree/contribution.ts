/** What a part of Ashlar adds to a tree on top of the packages: plain values, applied in order by `assemble`. Owner root:root unless said. */

export type Contribution =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly content: Buffer | string;
      readonly mode: number;
      readonly owner?: string;
      readonly group?: string;
    }
  /** A large file, read from the build host. */
  | {
      readonly kind: "file-from";
      readonly path: string;
      readonly from: string;
      readonly mode: number;
      readonly owner?: string;
      readonly group?: string;
    }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number; readonly owner?: string; readonly group?: string }
  | { readonly kind: "remove"; readonly path: string };
