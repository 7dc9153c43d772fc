/** The list of a place's releases (targets.json): reading it, and with more of them. */
import { hash } from "node:crypto";
import { Metadata, MetadataKind } from "@tufjs/models";
import { AshlarError } from "#errors";
import type { RegistryErrorCode } from "../errors.ts";
import { manifestPath } from "../layout.ts";
import type { Release } from "../release.ts";
import { customOf, entriesIn } from "./entries.ts";
import type { ReleaseEntry } from "./entries.ts";
import { SPEC_VERSION, readRaw } from "./metadata.ts";
import type { JsonObject } from "./metadata.ts";
import { isComplete, signaturesOn } from "./signatures.ts";
import type { Signing } from "./signatures.ts";
import { verifying } from "./verdict.ts";

/** Releases of a channel that stay listed besides barriers: a machine goes to the newest one in any case. */
const LISTED = 32;

export interface NewRelease {
  readonly release: Release;
  readonly manifest: Buffer;
  readonly channel: string;
  readonly barrier: boolean;
}

export interface Listed {
  /** 0 for a place without a list. */
  readonly version: number;
  readonly entries: readonly ReleaseEntry[];
}

/**
 * What a place lists. Whoever can write to it could have listed anything: only what our own keys signed is signed again.
 * @throws E_PUBLISH_FOLDER, E_TRUST_MALFORMED
 */
export function listedIn(bytes: Buffer | undefined, signing: Signing, where: string): Listed {
  if (bytes === undefined) return { version: 0, entries: [] };
  const { signed, signatures } = readRaw(bytes, "targets", where);
  if (signing === "unsafe-unsigned") {
    if (signatures.length > 0) throw refused(where, "its releases are signed, and would not be any more", "publish with --keys");
  } else if (!isComplete(signaturesOn(bytes, "targets", [signing.root])))
    throw refused(where, "its list of releases is not signed by these keys", "use the keys that it was published with, or a new folder");
  return { version: signed.version, entries: releasesIn(bytes, where) };
}

/** Nothing is verified here. @throws E_TRUST_MALFORMED */
export function releasesIn(targets: Buffer, where: string): ReleaseEntry[] {
  const read = verifying("targets", where, () =>
    Metadata.fromJSON(MetadataKind.Targets, JSON.parse(targets.toString("utf8")) as JsonObject),
  );
  return entriesIn(read.signed.targets, where);
}

/** Of metadata that follows. */
export function nextVersion(version: number, now: number): number {
  return Math.max(version + 1, now);
}

/** The `signed` part of the list with more releases. */
export function nextTargets(
  entries: readonly ReleaseEntry[],
  added: readonly ReleaseEntry[],
  version: number,
  expires: string,
): Readonly<Record<string, unknown>> {
  const all = listed([...entries.filter(({ sequence }) => !added.some((each) => each.sequence === sequence)), ...added]);
  return { _type: "targets", spec_version: SPEC_VERSION, version, expires, targets: Object.fromEntries(all.map(targetOf)) };
}

export function entryOf({ release, manifest, channel, barrier }: NewRelease): ReleaseEntry {
  const { sequence, image } = release;
  return { sequence, channel, image: image.digest, barrier, length: manifest.length, sha256: hash("sha256", manifest, "hex") };
}

/** Barriers always; of each channel the newest. */
function listed(entries: readonly ReleaseEntry[]): ReleaseEntry[] {
  const left = new Map<string, number>();
  return entries
    .toSorted((a, b) => b.sequence - a.sequence)
    .filter(({ channel, barrier }) => {
      const seen = left.get(channel) ?? 0;
      left.set(channel, seen + 1);
      return barrier || seen < LISTED;
    })
    .toReversed();
}

function targetOf(entry: ReleaseEntry): [string, unknown] {
  return [manifestPath(entry.sequence), { length: entry.length, hashes: { sha256: entry.sha256 }, custom: customOf(entry) }];
}

function refused(where: string, why: string, hint: string): AshlarError<RegistryErrorCode> {
  return new AshlarError("E_PUBLISH_FOLDER", `${where}: ${why}`, { hint: `${hint}; nothing was published`, details: { where } });
}
