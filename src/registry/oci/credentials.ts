/**
 * Logins as podman and docker keep them (https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md):
 * files with `auths`, by registry and beginning of the repository. Credential helpers are programs; none is started.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { AshlarError, hasErrno, messageOf } from "#errors";
import { ShapeError, string } from "#formats/shape.ts";
import type { OciErrorCode } from "./errors.ts";
import { fieldsOf } from "./manifest.ts";

export type Credentials =
  | { readonly user: string; readonly password: string }
  /** A refresh token, which only a token server understands. */
  | { readonly identityToken: string };

/**
 * The login for a repository from the first file that has one.
 * @param host with its port, as the address has it
 * @throws E_OCI_CREDENTIALS for a file that is none; its content is never shown
 */
export function findCredentials(host: string, repository: string, env: NodeJS.ProcessEnv = process.env): Credentials | undefined {
  for (const path of credentialFiles(env)) {
    const found = fromFile(path, [...namesOf(`${host}/${repository}`), `https://${host}`, `https://${host}/v1/`, `https://${host}/v2/`]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function credentialFiles(env: NodeJS.ProcessEnv): string[] {
  if (env["REGISTRY_AUTH_FILE"]) return [env["REGISTRY_AUTH_FILE"]];
  const home = env["HOME"] || homedir();
  const runtime = env["XDG_RUNTIME_DIR"];
  return [
    ...(runtime ? [join(runtime, "containers/auth.json")] : []),
    join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "containers/auth.json"),
    join(env["DOCKER_CONFIG"] || join(home, ".docker"), "config.json"),
  ];
}

/** "host/a/b" → "host/a/b", "host/a", "host": the longest wins. */
function namesOf(name: string): string[] {
  const parts = name.split("/");
  return parts.map((_part, at) => parts.slice(0, parts.length - at).join("/"));
}

function fromFile(path: string, names: readonly string[]): Credentials | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT") || hasErrno(error, "ENOTDIR") || hasErrno(error, "EACCES")) return undefined;
    throw error;
  }
  try {
    const auths = fieldsOf(fieldsOf(JSON.parse(text) as unknown, "")["auths"] ?? {}, "auths");
    const name = names.find((each) => Object.hasOwn(auths, each));
    return name === undefined ? undefined : entryOf(fieldsOf(auths[name], `auths["${name}"]`));
  } catch (error) {
    // The parser's own message would show a piece of the file.
    if (error instanceof SyntaxError) throw malformed(path, "it is not JSON");
    if (error instanceof ShapeError) throw malformed(path, messageOf(error).replace(/, got .*/, ""));
    throw error;
  }
}

function entryOf(entry: Readonly<Record<string, unknown>>): Credentials | undefined {
  if (entry["identitytoken"]) return { identityToken: string(64 * 1024)(entry["identitytoken"], "identitytoken") };
  if (entry["auth"] === undefined) return undefined;
  const pair = Buffer.from(string(64 * 1024)(entry["auth"], "auth"), "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 0) throw new ShapeError("auth: expected user:password in base64");
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, "") };
}

function malformed(path: string, why: string): AshlarError<OciErrorCode> {
  return new AshlarError("E_OCI_CREDENTIALS", `${path} cannot be used: ${why}`, {
    hint: "log in again: podman login, skopeo login or docker login writes it",
    details: { path },
  });
}
