/**
 * Addresses of images: `oci://host[:port]/name[:tag][@sha256:…]`, https unless the scheme is `oci+http`.
 * Names and tags as https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests
 */
import { AshlarError } from "#errors";
import type { OciErrorCode } from "./errors.ts";

/** `sha256:` and 64 lower-case hexadecimal digits. */
declare const ociDigest: unique symbol;
export type OciDigest = string & { readonly [ociDigest]: true };

export interface OciReference {
  /** `https://host:port` */
  readonly origin: string;
  /** `team/web` */
  readonly repository: string;
  readonly tag?: string;
  /** Wins over the tag. */
  readonly digest?: OciDigest;
}

const SCHEME = /^oci(\+http)?:\/\//;
const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$/;
const NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isOciAddress(text: string): boolean {
  return SCHEME.test(text);
}

/** @throws E_OCI_REFERENCE, E_DIGEST_SYNTAX */
export function parseReference(text: string): OciReference {
  const scheme = SCHEME.exec(text);
  if (scheme === null) throw wrong(text, "it does not begin with oci://");
  const rest = text.slice(scheme[0].length);
  const slash = rest.indexOf("/");
  const host = slash < 0 ? rest : rest.slice(0, slash);
  // A password in an address would end up in logs and records.
  if (host.includes("@")) throw wrong(text.replace(/\/\/[^/]*@/, "//…@"), "it has a user name; logins belong in auth.json");
  if (!HOST.test(host)) throw wrong(text, `${JSON.stringify(host)} is no host`);
  const [named = "", digest, ...more] = rest.slice(slash + 1).split("@");
  if (more.length > 0) throw wrong(text, "it has two digests");
  const colon = named.indexOf(":");
  const repository = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (slash < 0 || repository.length > 255 || !NAME.test(repository)) throw wrong(text, `${JSON.stringify(repository)} is no repository`);
  if (tag !== undefined && !TAG.test(tag)) throw wrong(text, `${JSON.stringify(tag)} is no tag`);
  return {
    origin: `${scheme[1] === undefined ? "https" : "http"}://${host.toLowerCase()}`,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: parseDigest(digest, text) }),
  };
}

/** The inverse of {@link parseReference}. */
export function renderReference({ origin, repository, tag, digest }: OciReference): string {
  const scheme = origin.startsWith("https:") ? "oci" : "oci+http";
  const host = origin.slice(origin.indexOf("//") + 2);
  return `${scheme}://${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** Only sha256: no other algorithm names a blob here. @throws E_DIGEST_SYNTAX */
export function parseDigest(text: string, where: string): OciDigest {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text as OciDigest;
  throw new AshlarError<OciErrorCode>("E_DIGEST_SYNTAX", `${where}: ${JSON.stringify(text.slice(0, 100))} is no sha256 digest`, {
    hint: "a digest is sha256: and 64 lower-case hexadecimal digits",
    details: { where },
  });
}

function wrong(text: string, why: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_REFERENCE", `${JSON.stringify(text.slice(0, 300))} is no address of an image: ${why}`, {
    hint: "write oci://host[:port]/name[:tag][@sha256:…]; oci+http:// for a registry without TLS",
    exitCode: 2,
  });
}

/** The tag of the artifact that is a release. */
export function releaseTag(sequence: number): string {
  return `release-${sequence}`;
}
