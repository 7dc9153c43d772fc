/** The shell scripts that go into images and initrds. */
import { readFileSync } from "node:fs";

/** Content of a file of `assets/`. */
export function readAsset(name: string): Buffer {
  return readFileSync(new URL(`./assets/${name}`, import.meta.url));
}
