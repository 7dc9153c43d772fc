/**
 * Answers a 401: Basic (https://www.rfc-editor.org/rfc/rfc7617), or a token from the server that the registry names
 * (https://distribution.github.io/distribution/spec/auth/token/, …/oauth/).
 */
import { isIP } from "node:net";
import { AshlarError, messageOf } from "#errors";
import { ShapeError, string } from "#formats/shape.ts";
import { bodyOf, shown, unreachable } from "./answer.ts";
import type { Session } from "./answer.ts";
import type { Credentials } from "./credentials.ts";
import type { OciErrorCode } from "./errors.ts";
import { fieldsOf } from "./manifest.ts";
import { send } from "./transport.ts";

const TOKEN_MAX = 256 * 1024;
const CLIENT = "ashlar";

/**
 * The value of Authorization for the request that was refused.
 * @throws E_OCI_UNAUTHORIZED, E_OCI_PROTOCOL, E_OCI_UNREACHABLE
 */
export async function authorize(session: Session, challenge: string | undefined, scopes: readonly string[]): Promise<string> {
  const { credentials } = session;
  if (credentials !== undefined && !isPrivate(new URL(session.origin)))
    throw denied(session, "the login would travel unencrypted; use oci://, not oci+http://");
  const offers = challenge === undefined ? [] : challengesOf(challenge);
  const bearer = offers.find(({ scheme }) => scheme === "bearer");
  if (bearer !== undefined) return `Bearer ${await fetchToken(session, bearer.parameters, scopes)}`;
  if (!offers.some(({ scheme }) => scheme === "basic")) throw denied(session, "it asks for a login in a way that is not known here");
  if (credentials === undefined || !("user" in credentials)) throw denied(session, "it asks for a user name and a password");
  return basic(credentials);
}

async function fetchToken(session: Session, parameters: ReadonlyMap<string, string>, scopes: readonly string[]): Promise<string> {
  const named = parameters.get("realm") ?? "";
  if (!URL.canParse(named)) throw protocol(session, "it names no server of tokens");
  const realm = new URL(named);
  const secure = realm.protocol === "https:" || (realm.protocol === "http:" && session.origin.startsWith("http:"));
  if (!secure) throw protocol(session, `its server of tokens is ${realm.protocol}//${realm.host}, which is not encrypted`);
  const { credentials } = session;
  if (credentials !== undefined && !isPrivate(realm)) throw denied(session, `the login would travel unencrypted to ${realm.host}`);
  const service = parameters.get("service");
  const wanted = [...new Set([...(parameters.get("scope") ?? `repository:${session.repository}:pull`).split(" "), ...scopes])];
  const response = await askForToken(session, realm, { service, wanted });
  const bytes = await bodyOf(response, TOKEN_MAX, shown(realm));
  if (response.status === 401 || response.status === 403) throw denied(session, `${realm.host} does not accept this login`);
  if (response.status !== 200) throw protocol(session, `its server of tokens, ${shown(realm)}, answered ${response.status}`);
  return tokenIn(bytes, session);
}

async function askForToken(
  { credentials, ca, stall }: Session,
  realm: URL,
  { service, wanted }: { service: string | undefined; wanted: readonly string[] },
): ReturnType<typeof send> {
  const common = { ca, stall };
  try {
    if (credentials !== undefined && "identityToken" in credentials) {
      const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT, refresh_token: credentials.identityToken });
      if (service !== undefined) form.set("service", service);
      form.set("scope", wanted.join(" "));
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return await send({ method: "POST", url: realm, headers, body: Buffer.from(form.toString()), ...common });
    }
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set("service", service);
    for (const scope of wanted) url.searchParams.append("scope", scope);
    return await send({ method: "GET", url, headers: credentials === undefined ? {} : { authorization: basic(credentials) }, ...common });
  } catch (error) {
    throw unreachable(realm, messageOf(error), error);
  }
}

function tokenIn(bytes: Buffer, session: Session): string {
  try {
    const fields = fieldsOf(JSON.parse(bytes.toString("utf8")) as unknown, "");
    return string(TOKEN_MAX, /^[\x21-\x7e]+$/)(fields["token"] ?? fields["access_token"], "token");
  } catch (error) {
    // Not the parser's message: it would show a piece of the token.
    if (error instanceof SyntaxError || error instanceof ShapeError) throw protocol(session, "its server of tokens gave none");
    throw error;
  }
}

interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** `Bearer realm="…",scope="a,b", Basic realm=x` (RFC 9110 §11.6.1) */
function challengesOf(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  const token = /\s*,?\s*(?:([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([A-Za-z]+)(?=\s|,|$))/y;
  for (let match = token.exec(header); match !== null; match = token.exec(header)) {
    const [, key, quoted, plain, scheme] = match;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    else if (key !== undefined) challenges.at(-1)?.parameters.set(key.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "");
  }
  return challenges;
}

function basic(credentials: Exclude<Credentials, { identityToken: string }>): string {
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
}

/** Encrypted, or not leaving this host. */
function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || (isIP(hostname) === 4 && hostname.startsWith("127."));
}

function denied({ origin, repository }: Session, why: string): AshlarError<OciErrorCode> {
  const { host } = new URL(origin);
  return new AshlarError("E_OCI_UNAUTHORIZED", `${origin}/v2/${repository} is not open: ${why}`, {
    hint: `log in: podman login ${host} (or skopeo login, docker login)`,
    details: { origin, repository },
  });
}

function protocol({ origin, repository }: Session, why: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_PROTOCOL", `${origin}/v2/${repository} cannot be logged in to: ${why}`, {
    hint: "check that the address is that of an OCI registry; nothing was changed",
    details: { origin, repository },
  });
}
