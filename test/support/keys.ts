/** Keys to publish with in tests: plain ones, as whoever can read the test can read them anyway. */
import type { TrustOptions } from "../../src/registry/fetch.ts";
import { initRing } from "../../src/registry/trust/new-ring.ts";
import type { InitOptions } from "../../src/registry/trust/new-ring.ts";
import type { KeyRing } from "../../src/registry/trust/ring.ts";

/** A new folder of keys; two offline ones of which one signs, unless said otherwise. */
export function makeKeys(folder: string, options: Partial<InitOptions> = {}): KeyRing {
  return initRing({ folder, passphrase: undefined, now: Math.floor(Date.now() / 1000), ...options });
}

/** The text that goes into an image: its first root. */
export function rootOf({ roots }: KeyRing): string {
  return (roots[0] ?? Buffer.alloc(0)).toString("utf8");
}

/** A machine named web that trusts these keys and has seen nothing yet. */
export function trustIn(root: KeyRing | string, options: Partial<TrustOptions> = {}): TrustOptions {
  return {
    trusted: { root: Buffer.from(typeof root === "string" ? root : rootOf(root)) },
    channel: "stable",
    standing: {},
    minimumSequence: 1,
    name: "web",
    now: Math.floor(Date.now() / 1000),
    ...options,
  };
}
