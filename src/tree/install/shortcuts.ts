/**
 * Shortcuts of the quick way: they save time and change nothing in the tree (the test that compares it with the plain
 * way holds them to that).
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Bind } from "#toolchain/sandbox.ts";
import type { Toolchain } from "#toolchain/open.ts";

/** Bound over the program of the root being built, for the time of the build. */
const STAND_INS: readonly { readonly program: string; readonly file: string; readonly why: string }[] = [
  {
    program: "/usr/sbin/update-ca-certificates",
    file: "update-ca-certificates.pl",
    why: "1,500 of the 2,300 processes that a web server's packages start",
  },
];

const EATMYDATA = "usr/lib/x86_64-linux-gnu/libeatmydata.so.1";

/** For `--check`: what maintainer scripts take for today's date. */
export interface ShiftedClock {
  /** libfaketime of the same release as the packages, on the build host. */
  readonly library: string;
  readonly daysAhead: number;
}

export interface Shortcuts {
  readonly binds: readonly Bind[];
  readonly env: Readonly<Record<string, string>>;
}

/** The build folder is thrown away, whatever happens: nothing in it has to survive a power cut, so nobody waits for the disk. */
export function shortcutsFor(root: string, toolchain: Toolchain, clock?: ShiftedClock): Shortcuts {
  const standIns = STAND_INS.filter(({ program }) => existsSync(join(root, program))).flatMap(({ program, file }) => [
    { from: join(root, program), to: `/run/ashlar/${program.slice(program.lastIndexOf("/") + 1)}`, readonly: true },
    { from: join(import.meta.dirname, "stand-ins", file), to: program, readonly: true },
  ]);
  const preloads = [join(toolchain.root, EATMYDATA), ...(clock === undefined ? [] : [clock.library])];
  const libraries = preloads.map((from) => ({ from, to: `/run/ashlar/${basename(from)}`, readonly: true }));
  return {
    binds: [...libraries, ...standIns],
    env: {
      LD_PRELOAD: libraries.map(({ to }) => to).join(" "),
      ...(clock === undefined ? {} : { FAKETIME: `+${clock.daysAhead}d`, FAKETIME_DONT_FAKE_MONOTONIC: "1", NO_FAKE_STAT: "1" }),
    },
  };
}

/** Host keys made during a build are secrets that are thrown away; where a file is, openssh's script makes none. */
export function placeHostKeys(root: string): void {
  const folder = join(root, "etc/ssh");
  if (!existsSync(join(root, "usr/sbin/sshd"))) return;
  mkdirSync(folder, { recursive: true });
  for (const type of ["rsa", "ecdsa", "ed25519"]) writeFileSync(join(folder, `ssh_host_${type}_key`), "");
}
