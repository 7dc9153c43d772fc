/** Logins: they go to whom they are for, and into no message. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { findCredentials } from "#registry/oci/credentials.ts";
import { parseReference } from "#registry/oci/reference.ts";
import { readBlob, resolveImage } from "#registry/oci/repository.ts";
import { describe, hostileRegistry, manifestOf } from "../../support/hostile-registry.ts";
import type { Answer } from "../../support/hostile-registry.ts";
import { scratch } from "../../support/release-fixture.ts";

const place = scratch();
after(() => place[Symbol.dispose]());

const CONTENT = Buffer.from("a blob");
const blob = describe(CONTENT);
const path = `blobs/${blob.digest}`;
const SECRET = "very-secret-word";
const credentials = { user: "user", password: SECRET };
const BASIC = `Basic ${Buffer.from(`user:${SECRET}`).toString("base64")}`;
const TOKEN = "a-token-for-this";

const needs =
  (authorization: string, challenge: string, then: Answer): Answer =>
  (request, response) =>
    request.headers.authorization === authorization
      ? then(request, response)
      : void response.writeHead(401, { "www-authenticate": challenge }).end();
const send: Answer = (_request, response) => void response.writeHead(200).end(CONTENT);
const authorizations = (requests: readonly IncomingMessage[]): unknown[] => requests.map(({ headers }) => headers.authorization);

/** No part of an error shows a secret. */
async function failsSilently(work: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(work, (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, code, error.message);
    const all = [error.message, error.hint, error.stack, JSON.stringify(error), String(error.cause)].join("\n");
    for (const secret of [SECRET, TOKEN, BASIC.slice(6), "signature=abc"]) assert.ok(!all.includes(secret), all);
    return true;
  });
}

void test("the login goes along with the request, but not to where the registry sends us", async () => {
  await using elsewhere = await hostileRegistry({ "/stored": send });
  const redirect: Answer = (_request, response) =>
    void response.writeHead(307, { location: `${elsewhere.origin}/stored?signature=abc` }).end();
  await using registry = await hostileRegistry({ [path]: needs(BASIC, 'Basic realm="r"', redirect) });
  assert.deepEqual(await readBlob(registry.repository({ credentials }), blob), CONTENT);
  assert.deepEqual(authorizations(registry.requests), [undefined, BASIC]);
  assert.deepEqual(authorizations(elsewhere.requests), [undefined]);
});

void test("a token is fetched where the challenge says, for what it says, and used for what follows", async () => {
  await using tokens = await hostileRegistry({
    "/token": needs(BASIC, "Basic", (_request, response) => void response.writeHead(200).end(JSON.stringify({ token: TOKEN }))),
  });
  // The token server refuses requests without the login: it must come unasked.
  const challenge = `Bearer realm="${tokens.origin}/token",service="a, service",scope="repository:web:pull"`;
  await using registry = await hostileRegistry({ [path]: needs(`Bearer ${TOKEN}`, challenge, send) });
  const repository = registry.repository({ credentials });
  assert.deepEqual(await readBlob(repository, blob), CONTENT);
  assert.deepEqual(await readBlob(repository, blob), CONTENT);
  assert.deepEqual(authorizations(registry.requests), [undefined, `Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
  const asked = new URL(tokens.requests[0]?.url ?? "", tokens.origin).searchParams;
  assert.deepEqual([asked.get("service"), asked.getAll("scope")], ["a, service", ["repository:web:pull"]]);
  assert.equal(tokens.requests.length, 1);
});

void test("a refresh token is sent as a form, and only to the server of tokens", async () => {
  let form = "";
  await using tokens = await hostileRegistry({
    "/token": async (request, response) => {
      form = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
      response.writeHead(200).end(JSON.stringify({ access_token: TOKEN }));
    },
  });
  await using registry = await hostileRegistry({ [path]: needs(`Bearer ${TOKEN}`, `Bearer realm="${tokens.origin}/token"`, send) });
  assert.deepEqual(await readBlob(registry.repository({ credentials: { identityToken: SECRET } }), blob), CONTENT);
  assert.equal(new URLSearchParams(form).get("refresh_token"), SECRET);
  assert.deepEqual(authorizations(registry.requests), [undefined, `Bearer ${TOKEN}`]);
});

const places: readonly [what: string, location: string][] = [
  ["a file", "file:///etc/shadow"],
  ["a metadata service", "http://169.254.169.254/latest/meta-data"],
  ["a login in the address", "http://user:pass@127.0.0.1:1/x"],
  ["another protocol", "gopher://127.0.0.1/x"],
  ["no address", "http://[bad"],
];
for (const [what, location] of places)
  void test(`a redirect to ${what} is refused`, async () => {
    await using registry = await hostileRegistry({ [path]: (_request, response) => void response.writeHead(302, { location }).end() });
    await failsSilently(readBlob(registry.repository({ credentials }), blob), "E_OCI_REDIRECT");
  });

void test("redirects in a circle end", async () => {
  await using registry = await hostileRegistry({
    [path]: (_request, response) => void response.writeHead(302, { location: `/v2/web/${path}` }).end(),
  });
  await failsSilently(readBlob(registry.repository(), blob), "E_OCI_REDIRECT");
  assert.ok(registry.requests.length < 10);
});

void test("what a registry says about an error is not repeated, and neither is what was sent to it", async () => {
  await using registry = await hostileRegistry({
    "manifests/latest": (request, response) => void response.writeHead(400).end(`you sent ${request.headers.authorization} ${SECRET}`),
    [path]: (request, response) =>
      request.headers.authorization === undefined
        ? void response.writeHead(401, { "www-authenticate": "Basic" }).end()
        : void response.writeHead(403).end(`{"errors":[{"code":"DENIED","message":"${request.headers.authorization}"}]}`),
  });
  await failsSilently(resolveImage(registry.repository({ credentials }), undefined), "E_OCI_PROTOCOL");
  await failsSilently(readBlob(registry.repository({ credentials }), blob), "E_OCI_UNAUTHORIZED");
});

void test("a token that is none is not shown", async () => {
  await using tokens = await hostileRegistry({ "/token": (_request, response) => void response.writeHead(200).end(`{"token": ${TOKEN}}`) });
  await using registry = await hostileRegistry({ [path]: needs("never", `Bearer realm="${tokens.origin}/token"`, send) });
  await failsSilently(readBlob(registry.repository({ credentials }), blob), "E_OCI_PROTOCOL");
});

void test("a login never travels unencrypted to another host", async () => {
  await using registry = await hostileRegistry({ [path]: needs("never", 'Bearer realm="http://tokens.invalid/token"', send) });
  await failsSilently(readBlob(registry.repository({ credentials }), blob), "E_OCI_UNAUTHORIZED");
});

void test("a busy registry is asked again, and not before it wants", async () => {
  const times: number[] = [];
  const manifest = manifestOf(blob, []);
  await using registry = await hostileRegistry({
    "manifests/latest": (_request, response) => {
      times.push(Date.now());
      if (times.length === 1) response.writeHead(429, { "retry-after": "1" }).end();
      else response.writeHead(200, { "content-type": "application/vnd.oci.image.manifest.v1+json" }).end(manifest);
    },
  });
  assert.equal((await resolveImage(registry.repository(), undefined)).bytes.toString(), manifest);
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 900);
});

void test("login files: the longest name wins, helpers are not started, and a broken file is not shown", () => {
  const folder = join(place.path, "config");
  mkdirSync(join(folder, "containers"), { recursive: true });
  const auth = (pair: string): { auth: string } => ({ auth: Buffer.from(pair).toString("base64") });
  const env = { XDG_CONFIG_HOME: folder, HOME: place.path };
  const write = (text: string): void => writeFileSync(join(folder, "containers/auth.json"), text);
  write(
    JSON.stringify({
      credsStore: "would-be-a-program",
      credHelpers: { "example.org": "another" },
      auths: { "example.org": auth("a:1"), "example.org/team": auth("b:2:3"), "https://old.example/v1/": auth("c:4"), "empty.example": {} },
    }),
  );
  assert.deepEqual(findCredentials("example.org", "web", env), { user: "a", password: "1" });
  assert.deepEqual(findCredentials("example.org", "team/web", env), { user: "b", password: "2:3" });
  assert.deepEqual(findCredentials("old.example", "web", env), { user: "c", password: "4" });
  assert.equal(findCredentials("empty.example", "web", env), undefined);
  assert.equal(findCredentials("other.example", "web", env), undefined);
  write(`{"auths": {"example.org": {"auth": ${SECRET}`);
  assert.throws(
    () => findCredentials("example.org", "web", env),
    (error: Error & { code?: string }) => error.code === "E_OCI_CREDENTIALS" && !`${error.message}${error.stack}`.includes(SECRET),
  );
});

const addresses: readonly [text: string, code: string][] = [
  ["oci://user:pass@example.org/web", "E_OCI_REFERENCE"],
  ["oci://example.org", "E_OCI_REFERENCE"],
  ["oci://example.org/../web", "E_OCI_REFERENCE"],
  ["oci://example.org/Web", "E_OCI_REFERENCE"],
  ["oci://example.org/web:a/b", "E_OCI_REFERENCE"],
  ["oci://exa mple.org/web", "E_OCI_REFERENCE"],
  ["docker://example.org/web", "E_OCI_REFERENCE"],
  ["oci://example.org/web@sha256:../../x", "E_DIGEST_SYNTAX"],
  ["oci://example.org/web@sha512:00", "E_DIGEST_SYNTAX"],
];
for (const [text, code] of addresses)
  void test(`${text} is no address: ${code}`, () => {
    assert.throws(
      () => parseReference(text),
      (error: Error & { code?: string }) => error.code === code && !error.message.includes("pass"),
    );
  });
