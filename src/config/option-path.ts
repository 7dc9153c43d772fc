/** Where an option is: the keys and list positions that lead to it. No imports: evaluation loads this file. */

export type OptionPath = readonly (string | number)[];

/** `users.ada.sshKeys[0]`, `files["/etc/motd"].mode`; the whole config is "the system". */
export function formatPath(path: OptionPath): string {
  if (path.length === 0) return "the system";
  return path
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      if (/^[A-Za-z_$][\w$-]*$/.test(key)) return index === 0 ? key : `.${key}`;
      return `[${JSON.stringify(key)}]`;
    })
    .join("");
}
