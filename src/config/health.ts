/** When a generation counts as working, with every default filled in. */
import type { HealthCommandInput, SystemInput } from "./input.ts";

export interface Attempts {
  /** Seconds that one attempt may take. */
  readonly deadline: number;
  /** Further attempts after a failed one; none when absent. */
  readonly retries?: number;
  /** Seconds between two attempts. */
  readonly interval?: number;
}

/** Lists that nobody wrote are absent. */
export interface HealthSpec {
  readonly units: readonly string[];
  /** Seconds that units may take to become active. */
  readonly unitDeadline?: number;
  readonly commands: readonly ({ readonly name: string; readonly command: readonly string[] } & Attempts)[];
  readonly tcp?: readonly ({ readonly name: string; readonly host: string; readonly port: number } & Attempts)[];
  readonly http?: readonly ({ readonly name: string; readonly url: string; readonly status: number } & Attempts)[];
  /** `free` is bytes or, with `percent`, a part of the file system's size. */
  readonly space?: readonly { readonly name: string; readonly path: string; readonly free: number; readonly percent: boolean }[];
  /** Any of these users; by ssh at this port when it is enabled. */
  readonly login?: { readonly users: readonly string[]; readonly port?: number } & Attempts;
}

type HealthInput = NonNullable<SystemInput["health"]>;

/** What of the rest of a System the probes depend on. */
export interface Operators {
  /** Names of users who have a key or a password. */
  readonly users: readonly string[];
  /** Of sshd, when there is one. */
  readonly port: number | undefined;
}

/** @param units as systemd calls them */
export function healthOf(input: HealthInput | undefined, units: readonly string[], { users, port }: Operators): HealthSpec {
  const { unitDeadline, commands = [], tcp, http, space, login } = input ?? {};
  return {
    units,
    ...(unitDeadline === undefined ? {} : { unitDeadline }),
    commands: commands.map(commandOf),
    ...(tcp === undefined
      ? {}
      : {
          tcp: tcp.map((probe) => {
            const host = probe.host ?? "127.0.0.1";
            const name = probe.name ?? (probe.host === undefined ? `port ${probe.port}` : `${host} port ${probe.port}`);
            return { name, host, port: probe.port, ...attempts(probe) };
          }),
        }),
    ...(http === undefined
      ? {}
      : {
          http: http.map((probe) => ({ name: probe.name ?? probe.url, url: probe.url, status: probe.status ?? 200, ...attempts(probe) })),
        }),
    ...(space === undefined
      ? {}
      : { space: space.map(({ name, path, free }) => ({ name: name ?? `space of ${path}`, path, ...amount(free) })) }),
    ...(login === true ? { login: { users, ...(port === undefined ? {} : { port }), ...attempts({ deadline: LOGIN_DEADLINE }) } } : {}),
  };
}

function commandOf({ name, command, deadline, retries, interval }: HealthCommandInput): HealthSpec["commands"][number] {
  const again = retries === undefined ? {} : { retries, interval: interval ?? INTERVAL };
  return { name, command, deadline: deadline ?? 60, ...again };
}

const INTERVAL = 2;
/** A session starts several processes, which takes long where a processor is emulated. */
const LOGIN_DEADLINE = 60;

/** Something that listens may take a moment longer than its unit. */
function attempts({ deadline, retries, interval }: Partial<{ [Key in keyof Attempts]: Attempts[Key] | undefined }>): Required<Attempts> {
  return { deadline: deadline ?? 10, retries: retries ?? 5, interval: interval ?? INTERVAL };
}

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

function amount(free: number | string): { readonly free: number; readonly percent: boolean } {
  if (typeof free === "number") return { free, percent: false };
  const count = Number(free.slice(0, -1));
  return free.endsWith("%") ? { free: count, percent: true } : { free: count * (UNITS[free.slice(-1)] ?? 1), percent: false };
}
