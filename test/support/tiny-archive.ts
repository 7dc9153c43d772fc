/**
 * A small signed Debian archive on a local HTTP server, with a key of its own: what Debian's mirrors are to Ashlar, but
 * every file can be altered.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { compressSync } from "@napi-rs/lzma/xz";
import * as openpgp from "openpgp";
import { writeAr } from "#formats/ar.ts";
import { writeTar } from "#formats/tar/writer.ts";
import type { Mirror } from "#archive/mirror.ts";

export interface TinyPackage {
  readonly name: string;
  readonly version: string;
  /** Further fields of its stanza, each ending in a newline. */
  readonly fields?: string;
}

export interface TinyArchive extends AsyncDisposable {
  readonly mirror: Mirror;
  readonly keys: readonly string[];
  /** What the server gives, by path ("debian/dists/…"); change it to misbehave. */
  readonly files: Map<string, Buffer>;
  /** Paths asked for so far. */
  readonly requests: string[];
  /** Signs the three suites again with these packages in the main one. */
  publish(packages: readonly TinyPackage[], release?: ReleaseFields): Promise<void>;
}

export interface ReleaseFields {
  readonly date?: Date;
  readonly validUntil?: Date;
  readonly codename?: string;
}

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

export async function tinyArchive(packages: readonly TinyPackage[], release: ReleaseFields = {}): Promise<TinyArchive> {
  const key = await newKey();
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "").slice(1));
    requests.push(path);
    const content = files.get(path);
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const publish: TinyArchive["publish"] = async (published, fields = {}) => {
    for (const suite of ["trixie", "trixie-updates", "trixie-security"])
      await signSuite(suite, suite === "trixie" ? published : [], { files, key, fields });
  };
  await publish(packages, release);
  return {
    mirror: { debian: `${base}/debian`, "debian-security": `${base}/debian-security` },
    keys: [key.publicKey],
    files,
    requests,
    publish,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

interface Key {
  readonly privateKey: openpgp.PrivateKey;
  readonly publicKey: string;
}

/** Dated in the past, because tests sign and verify in the past too. */
async function newKey(): Promise<Key> {
  const date = new Date("2020-01-01T00:00:00Z");
  const made = await openpgp.generateKey({ type: "curve25519", userIDs: [{ name: "test archive" }], date, format: "object" });
  return { privateKey: made.privateKey, publicKey: made.publicKey.armor() };
}

/** A signature by a key that nobody trusts, over the same text. */
export async function signedByStranger(inRelease: Buffer): Promise<Buffer> {
  const message = await openpgp.readCleartextMessage({ cleartextMessage: inRelease.toString() });
  return clearSign(message.getText(), await newKey());
}

async function clearSign(text: string, key: Key): Promise<Buffer> {
  const message = await openpgp.createCleartextMessage({ text });
  return Buffer.from(await openpgp.sign({ message, signingKeys: key.privateKey }));
}

interface SigningContext {
  readonly files: Map<string, Buffer>;
  readonly key: Key;
  readonly fields: ReleaseFields;
}

async function signSuite(suite: string, packages: readonly TinyPackage[], { files, key, fields }: SigningContext): Promise<void> {
  const root = suite.endsWith("-security") ? "debian-security" : "debian";
  const dists = `${root}/dists/${suite}`;
  const folder = "main/binary-amd64";
  const plain = Buffer.from(packages.map((each) => publishPackage(each, root, files)).join("\n"));
  const packed = compressSync(plain);
  files.set(`${dists}/${folder}/by-hash/SHA256/${sha256(packed)}`, packed);
  const lines = [`${sha256(plain)} ${plain.length} ${folder}/Packages`, `${sha256(packed)} ${packed.length} ${folder}/Packages.xz`];
  const validUntil = fields.validUntil === undefined ? "" : `Valid-Until: ${fields.validUntil.toUTCString()}\n`;
  const text = `Origin: Test\nSuite: test\nCodename: ${fields.codename ?? suite}\nDate: ${(fields.date ?? new Date()).toUTCString()}\n${validUntil}Architectures: amd64\nComponents: main\nSHA256:\n${lines.map((line) => ` ${line}\n`).join("")}`;
  files.set(`${dists}/InRelease`, await clearSign(text, key));
}

function publishPackage({ name, version, fields = "" }: TinyPackage, root: string, files: Map<string, Buffer>): string {
  const control = `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\n${fields}Maintainer: Test <test@localhost>\nDescription: test\n`;
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: new Map<string, string>() };
  const deb = writeAr([
    { name: "debian-binary", content: Buffer.from("2.0\n") },
    { name: "control.tar", content: writeTar([{ ...attributes, path: "/control", type: "file", content: Buffer.from(control) }]) },
    { name: "data.tar", content: writeTar([{ ...attributes, path: `/usr/share/${name}`, type: "file", content: Buffer.from(version) }]) },
  ]);
  const path = `pool/main/${name[0]}/${name}/${name}_${version}_amd64.deb`;
  files.set(`${root}/${path}`, deb);
  return `${control}Filename: ${path}\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`;
}
