/**
 * Requests to one registry, in the way of https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md:
 * logged in when it asks for that, sent elsewhere without the login, asked again when it is busy, and every body bounded.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { AshlarError, messageOf } from "#errors";
import { bodyOf, shown, unreachable } from "./answer.ts";
import type { Session } from "./answer.ts";
import { authorize } from "./authorize.ts";
import type { OciErrorCode } from "./errors.ts";
import { redirectTarget } from "./redirect.ts";
import { send } from "./transport.ts";
import type { HttpRequest, HttpResponse } from "./transport.ts";

export interface Ask {
  readonly method: HttpRequest["method"];
  /** Below /v2/<repository>/, or a whole URL that the registry named. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Further scopes for a token: of the repository to mount from. */
  readonly scopes?: readonly string[];
  /** Statuses that are answers; all others are errors. */
  readonly expect: readonly number[];
  /** Not to be sent twice: what it does is not known when it fails. */
  readonly once?: boolean;
  readonly signal?: AbortSignal;
}

const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);
const RETRY_AFTER_MAX_MS = 60_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const REDIRECTS_MAX = 5;
const ERROR_BODY_MAX = 16 * 1024;

/** @throws E_OCI_UNREACHABLE, E_OCI_UNAUTHORIZED, E_OCI_REDIRECT, E_OCI_PROTOCOL, E_OCI_NOT_FOUND */
export async function ask(session: Session, request: Ask): Promise<HttpResponse> {
  const url = request.path instanceof URL ? request.path : new URL(`/v2/${session.repository}/${request.path}`, session.origin);
  for (let attempt = 1; ; attempt++) {
    let why: string;
    let cause: unknown;
    let later = 0;
    try {
      const response = await loggedIn(session, request, url);
      if (request.expect.includes(response.status)) return response;
      const said = await errorText(response);
      if (!BUSY.has(response.status)) throw refused(response.status, url, said);
      why = `the registry answered ${response.status}${said}`;
      later = Math.min(Number(response.headers["retry-after"] ?? 0) * 1000 || 0, RETRY_AFTER_MAX_MS);
    } catch (error) {
      if (error instanceof AshlarError || request.signal?.aborted === true) throw error;
      cause = error;
      why = messageOf(error) || String((error as NodeJS.ErrnoException).code);
    }
    if (attempt > session.retries || request.once === true) throw unreachable(url, why, cause);
    await sleep(
      Math.max(later, session.pause * 2 ** (attempt - 1)),
      undefined,
      request.signal === undefined ? {} : { signal: request.signal },
    );
  }
}

async function loggedIn(session: Session, request: Ask, url: URL): Promise<HttpResponse> {
  const first = await followed(session, request, url);
  if (first.status !== 401) return first;
  first.body.resume();
  const authorization = await authorize(session, first.headers["www-authenticate"], request.scopes ?? []);
  session.authorization = authorization;
  const second = await followed(session, request, url);
  if (second.status !== 401) return second;
  second.body.resume();
  throw refused(401, url, "");
}

/** The login goes to the registry itself and to nobody else, however often it sends us elsewhere. */
async function followed(session: Session, { method, headers, body, signal }: Ask, start: URL): Promise<HttpResponse> {
  let url = start;
  for (let hop = 0; ; hop++) {
    const login =
      session.authorization !== undefined && url.origin === new URL(session.origin).origin ? { authorization: session.authorization } : {};
    const response = await send({
      method,
      url,
      headers: { "user-agent": "ashlar", "accept-encoding": "identity", ...headers, ...login },
      ...(body === undefined ? {} : { body }),
      ca: session.ca,
      stall: session.stall,
      ...(signal === undefined ? {} : { signal }),
    });
    const { location } = response.headers;
    if (!REDIRECTS.has(response.status) || location === undefined) return response;
    response.body.resume();
    url = redirectTarget(url, location, { hop, max: REDIRECTS_MAX, method });
  }
}

/** What the registry says about an error (spec, "Error Codes"); never more than a line of it. */
async function errorText(response: HttpResponse): Promise<string> {
  const bytes = await bodyOf(response, ERROR_BODY_MAX, "an error message").catch(() => Buffer.alloc(0));
  const code = /"code"\s*:\s*"([A-Z_]{1,40})"/.exec(bytes.toString("latin1"))?.[1];
  return code === undefined ? "" : ` (${code})`;
}

function refused(status: number, url: URL, said: string): AshlarError<OciErrorCode> {
  const details = { url: shown(url), status };
  if (status === 401 || status === 403)
    return new AshlarError("E_OCI_UNAUTHORIZED", `${shown(url)} is not open to this login: the registry answered ${status}${said}`, {
      hint: `log in: podman login ${url.host} (or skopeo login, docker login), and check what the login may do`,
      details,
    });
  if (status === 404)
    return new AshlarError("E_OCI_NOT_FOUND", `${shown(url)} does not exist${said}`, { hint: "check name, tag and digest", details });
  return new AshlarError("E_OCI_PROTOCOL", `${shown(url)}: the registry answered ${status}${said}`, {
    hint: "check that the address is that of an OCI registry",
    details,
  });
}
