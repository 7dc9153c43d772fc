/** What a `system.ts` is written with. These files are loaded while a config is evaluated: they import nothing at run time. */
import type { SystemInput } from "./input.ts";

/**
 * Describes a machine. It gives back what it got; its use is that the editor knows every option.
 *
 * @example
 * ```ts
 * import { defineSystem } from "ashlar";
 *
 * export default defineSystem({
 *   name: "web",
 *   packages: ["nginx-light"],
 *   services: { enable: ["nginx"] },
 *   ssh: true,
 *   users: { ada: { sudo: true, sshKeys: ["ssh-ed25519 AAAA… ada@laptop"] } },
 * });
 * ```
 */
export function defineSystem(system: SystemInput): SystemInput {
  return system;
}
