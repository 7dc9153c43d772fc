/**
 * Whether this process belongs to a login that somebody made, and proved who they are, after a change. pam_loginuid(8) gives
 * each login a number, which all of its processes inherit and none can change (`man 5 proc_pid_sessionid`). cron has one, too,
 * so the program that opened the session counts, and when it started.
 */
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "#errors";

export interface Login {
  /** Audit session; undefined outside of any login. */
  readonly session: number | undefined;
  /** The program that opened the session, "/usr/lib/openssh/sshd-session". */
  readonly program: string;
  /** Clock ticks since the start of the kernel at which that program began. */
  readonly started: number;
}

export interface AppliedAt {
  /** Id of the start. */
  readonly boot: string;
  /** Clock ticks; undefined while the change is not complete. */
  readonly since: number | undefined;
  /** The newest audit session then. */
  readonly session: number | undefined;
}

/** (unsigned) −1: not set. */
const UNSET = 0xffffffff;
/** Programs that ask who somebody is before they open a session. */
const ASKING =
  /^\/usr\/(?:sbin\/sshd|lib\/openssh\/sshd-session|bin\/login|sbin\/login|libexec\/gdm-session-worker|sbin\/lightdm|libexec\/sddm-helper|lib\/x86_64-linux-gnu\/sddm\/.*|bin\/greetd)$/;

/** Why a login confirms nothing; undefined when it does. */
export function whyNot(login: Login, applied: AppliedAt, boot: string): string | undefined {
  if (login.session === undefined) return "this process belongs to no login";
  if (!ASKING.test(login.program)) return `this session was opened by ${login.program}, which asks nobody who they are`;
  if (applied.since === undefined) return "the change is not complete";
  // After a restart every login is newer than the change.
  if (applied.boot !== boot) return undefined;
  if (login.session <= (applied.session ?? 0) || login.started <= applied.since) return "this login is older than the change";
  return undefined;
}

/** The login that this process belongs to. @param proc "/proc" */
export function loginOf(proc: string, pid: number | "self" = "self"): Login {
  const session = sessionOf(join(proc, String(pid)));
  if (session === undefined || Number(read(join(proc, String(pid), "loginuid"))) === UNSET)
    return { session: undefined, program: "", started: 0 };
  const members = processes(proc).filter(({ folder }) => sessionOf(folder) === session);
  const first = members.reduce(
    (oldest, member) => (startOf(member.folder) < startOf(oldest.folder) ? member : oldest),
    members[0] ?? { folder: join(proc, "self") },
  );
  return { session, program: programOf(first.folder), started: startOf(first.folder) };
}

/** The newest audit session of any process; 0 when nobody is logged in. */
export function newestSession(proc: string): number {
  return Math.max(0, ...processes(proc).flatMap(({ folder }) => sessionOf(folder) ?? []));
}

/** Clock ticks since the start of the kernel; 100 of them are a second on every Linux. */
export function ticksNow(proc: string): number {
  return Math.round(Number(read(join(proc, "uptime")).split(" ")[0]) * 100);
}

function processes(proc: string): { folder: string }[] {
  return readdirSync(proc).flatMap((name) => (/^\d+$/.test(name) ? [{ folder: join(proc, name) }] : []));
}

function sessionOf(folder: string): number | undefined {
  const text = read(join(folder, "sessionid"));
  return text === "" || Number(text) === UNSET ? undefined : Number(text);
}

/** The 22nd field; the second one is a name in parentheses that may hold anything. */
function startOf(folder: string): number {
  const stat = read(join(folder, "stat"));
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" ? Number.POSITIVE_INFINITY : Number(fields[19]);
}

function programOf(folder: string): string {
  try {
    return readlinkSync(join(folder, "exe")).replace(/ \(deleted\)$/, "");
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "EACCES")) return "a program that has ended";
    throw error;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // It ended meanwhile.
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ESRCH")) return "";
    throw error;
  }
}
