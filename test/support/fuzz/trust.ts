/** Parsers of who vouches for what: metadata as a mirror serves it, by the same steps that a machine takes. */
import { Metadata, MetadataKind } from "@tufjs/models";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Role } from "#registry/trust/layout.ts";
import { releasesIn } from "#registry/trust/listing.ts";
import { readRaw } from "#registry/trust/metadata.ts";
import { placeFiles } from "#registry/trust/place.ts";
import { readRoot } from "#registry/trust/ring.ts";
import { signaturesOn } from "#registry/trust/signatures.ts";
import { verifying } from "#registry/trust/verdict.ts";
import type { Release } from "#registry/release.ts";
import { makeKeys } from "../keys.ts";
import type { Parser } from "./parser.ts";

/** @param release with its manifest, to be listed */
export function trustParsers(release: Release, manifest: Buffer): Parser[] {
  const folder = mkdtempSync("/tmp/ashlar-fuzz-keys-");
  const signing = makeKeys(join(folder, "keys"));
  rmSync(folder, { recursive: true });
  const add = { release, manifest, channel: "stable", barrier: true };
  const files = placeFiles({ signing, before: undefined, where: "fuzz", add, now: Date.now() });
  const of = (role: Role): Buffer => files.find(({ path }) => path.includes(role))?.bytes ?? Buffer.alloc(0);
  const parser = (role: Role, read: Parser["read"]): Parser => ({ name: `${role} metadata`, inputs: [of(role)], read });
  return [
    parser("root", (bytes) => readRoot(bytes, "fuzz")),
    parser("timestamp", (bytes) => parsed(bytes, "timestamp", MetadataKind.Timestamp)),
    parser("snapshot", (bytes) => parsed(bytes, "snapshot", MetadataKind.Snapshot)),
    parser("targets", (bytes) => {
      readRaw(bytes, "targets", "fuzz");
      return releasesIn(bytes, "fuzz");
    }),
    { name: "signatures of metadata", inputs: [of("targets")], read: (bytes) => signaturesOn(bytes, "targets", [signing.root]) },
  ];
}

function parsed(bytes: Buffer, role: Role, kind: MetadataKind.Timestamp | MetadataKind.Snapshot): unknown {
  readRaw(bytes, role, "fuzz");
  return verifying(role, "fuzz", () =>
    (Metadata.fromJSON as (kind: MetadataKind, data: unknown) => unknown)(kind, JSON.parse(bytes.toString("utf8"))),
  );
}
