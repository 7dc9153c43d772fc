/** What is allowed and seldom meant: said by `ashlar check`, never an error. */
import type { System } from "./system.ts";

/** One sentence for each, with the option to change. Pure. */
export function adviceOn({ users, ssh, boot }: System): string[] {
  const people = Object.values(users);
  const withPassword = people.some(({ passwordHash }) => passwordHash !== undefined);
  const byKey = ssh.enable && people.some(({ sshKeys }) => sshKeys.length > 0);
  return [
    ...(withPassword || byKey ? [] : ["nobody can log in: no user has `passwordHash`, and none has `sshKeys` with `ssh: true`"]),
    ...(boot.failsafe === "login" && !withPassword
      ? [
          'the boot menu\'s Failsafe asks for a password that no user has: give one `passwordHash`, or set boot.failsafe to "shell" or "off"',
        ]
      : []),
  ];
}
