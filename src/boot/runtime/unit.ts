/** A unit that Ashlar ships, with what enables it. */
export interface RuntimeUnit {
  readonly name: string;
  readonly text: string;
  /** Folders with a link to it: "multi-user.target.wants". */
  readonly links?: readonly string[];
  /** Files of `assets/` that it runs; they come to /usr/lib/ashlar. */
  readonly scripts?: readonly string[];
}
