/** Where a registry may send its clients: to another https server, mostly an object store; not into the network that they are in. */
import { isIP } from "node:net";
import { AshlarError } from "#errors";
import type { OciErrorCode } from "./errors.ts";

/** @throws E_OCI_REDIRECT */
export function redirectTarget(from: URL, location: string, { hop, max, method }: { hop: number; max: number; method: string }): URL {
  const refuse = (why: string): AshlarError<OciErrorCode> =>
    new AshlarError("E_OCI_REDIRECT", `${from.origin}${from.pathname} sends us elsewhere: ${why}`, {
      hint: "this is no honest registry, or something between it and this machine answers in its place; nothing was changed",
      details: { from: from.origin },
    });
  if (!URL.canParse(location, from)) throw refuse("what it names is no address");
  const url = new URL(location, from);
  if (hop >= max) throw refuse(`more than ${max} times`);
  if (method !== "GET" && method !== "HEAD") throw refuse(`in answer to ${method}`);
  if (url.protocol !== "https:" && url.protocol !== from.protocol) throw refuse(`to ${url.protocol}//${url.host}, which is not encrypted`);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw refuse(`to ${url.protocol}`);
  if (url.username !== "" || url.password !== "") throw refuse("with a login in the address");
  if (url.host !== from.host && isLinkLocal(url.hostname)) throw refuse(`to ${url.host}, which only this machine's network has`);
  return url;
}

/** Addresses of metadata services of clouds among them. */
function isLinkLocal(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  return (isIP(address) === 4 && address.startsWith("169.254.")) || (isIP(address) === 6 && /^(fe[89ab]|::ffff:a9fe)/i.test(address));
}
