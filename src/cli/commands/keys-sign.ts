import { resolve } from "node:path";
import { AshlarError } from "#errors";
import type { TrustErrorCode } from "#registry/trust/errors.ts";
import type { Proposal } from "#registry/trust/proposal.ts";
import type { KeyRing } from "#registry/trust/ring.ts";
import type { ProposedRoot } from "#registry/trust/rotation.ts";
import type { Signatures } from "#registry/trust/signatures.ts";
import { defineCommand } from "../command.ts";
import type { CommandResult } from "../context.ts";
import { openKeys, usage } from "../signing.ts";
import { signaturesText } from "../text/keys.ts";

type SignFlags = { readonly image?: string; readonly show: boolean };

export const keysSignCommand = defineCommand<SignFlags, [folder: string, place?: string]>({
  brief: "Add a signature to what others proposed",
  description:
    "Where more keys have to sign than one person has, `ashlar publish` and `ashlar keys rotate` write proposals, which no machine sees. This says what a " +
    "proposal changes, checks that it changes nothing else, and signs it with the keys that are here. With the last signature it takes effect; a release " +
    "needs the online key besides, so that `ashlar keys renew` publishes it where that is elsewhere. Without PLACE it is the next root.",
  examples: [
    { arguments: "keys sign --show keys /srv/releases/web", does: "what waits; nothing is signed" },
    { arguments: "keys sign --image 3fa2… keys /srv/releases/web", does: "only if it is the image that ashlar build printed here, too" },
    { arguments: "keys sign keys", does: "a new root, after keys rotate" },
  ],
  parameters: {
    flags: {
      image: {
        kind: "parsed",
        parse: parseDigest,
        brief: "Sign only a release with this image (the beginning of its digest)",
        placeholder: "DIGEST",
        optional: true,
      },
      show: { kind: "boolean", brief: "Say what waits, and sign nothing", default: false },
    },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "Folder of keys", placeholder: "DIR", parse: String },
        { brief: "Folder of releases", placeholder: "PLACE", parse: String, optional: true },
      ],
    },
  },
  async run({ image, show }, [folder, place], context) {
    const { isOciAddress } = await import("#registry/oci/reference.ts");
    if (place !== undefined && isOciAddress(place.toLowerCase()))
      throw usage("releases in a registry are signed by all at once: ashlar push");
    if (image !== undefined && place === undefined) throw usage("--image goes with a folder of releases");
    const { openRing } = await import("#registry/trust/ring.ts");
    const keys = resolve(context.cwd, folder);
    const ring = show ? openRing(keys, () => "") : await openKeys(keys, context);
    return place === undefined ? signRoot(ring, show) : signRelease(ring, resolve(context.cwd, place), { image, show });
  },
});

async function signRoot(ring: KeyRing, show: boolean): Promise<CommandResult> {
  const { readProposedRoot, signProposedRoot } = await import("#registry/trust/rotation.ts");
  const now = Math.floor(Date.now() / 1000);
  const proposed = readProposedRoot(ring, now);
  if (proposed === undefined) throw nothing(ring.folder, "root");
  const { version, comes, goes } = proposed;
  const signed = show ? ring : signProposedRoot(ring, proposed);
  const isDone = signed.roots.length >= version;
  const { have, need }: Signatures = (isDone ? undefined : readProposedRoot(signed, now)) ?? { have: proposed.need, need: proposed.need };
  return {
    json: { folder: ring.folder, what: "root", version, comes, goes, have, need, isDone },
    text: [
      `${ring.folder}: root ${version}${changesOf(proposed)}`,
      isDone ? "all have signed: it takes effect with the next publish, push or keys renew" : signaturesText({ have, need }),
    ].join("\n"),
  };
}

async function signRelease(
  ring: KeyRing,
  folder: string,
  { image, show }: { image: string | undefined; show: boolean },
): Promise<CommandResult> {
  const { canPublish, publishProposal, readProposal, signProposal } = await import("#registry/trust/proposal.ts");
  const now = Date.now();
  const proposal = readProposal(ring, folder, now);
  if (proposal === undefined) throw nothing(folder, "release");
  const { added } = proposal;
  const other = added.find((each) => image !== undefined && !each.image.startsWith(image));
  if (other !== undefined) throw otherImage(folder, other);
  const signed = show ? proposal : signProposal(ring, folder, proposal);
  const isDone = !show && canPublish(ring, signed);
  if (isDone) publishProposal(ring, folder, signed, now);
  const { have, need } = signed;
  const releases = added.map((each) => ({ release: each.sequence, channel: each.channel, image: each.image, barrier: each.barrier }));
  const next = isDone
    ? "published: machines take it from now on"
    : have < need
      ? signaturesText(signed)
      : "all have signed; where the online key is: ashlar keys renew";
  return {
    json: { folder, what: "release", releases, have, need, isDone },
    text: [
      ...releases.map(
        (each) => `${folder}: release ${each.release} of ${each.channel}${each.barrier ? ", a barrier" : ""}, image ${each.image}`,
      ),
      next,
    ].join("\n"),
  };
}

function changesOf({ comes, goes }: ProposedRoot): string {
  const list = (what: string, ids: readonly string[]): string[] => ids.map((id) => `, key ${id.slice(0, 16)} ${what}`);
  const all = [...list("comes", comes), ...list("goes", goes)];
  return all.length === 0 ? ", the same keys for longer" : all.join("");
}

function nothing(folder: string, what: string): AshlarError<TrustErrorCode> {
  return new AshlarError("E_KEYS_PROPOSAL", `${folder}: no ${what} waits for signatures`, {
    hint: "ashlar publish and ashlar keys rotate propose one where too few keys are here to sign it at once",
    details: { folder },
  });
}

function otherImage(folder: string, { sequence, image }: Proposal["added"][number]): AshlarError<TrustErrorCode> {
  return new AshlarError("E_KEYS_PROPOSAL", `${folder}: release ${sequence} has the image ${image}, another one`, {
    hint: "ashlar build says which image the config makes, and ashlar diff where two differ; nothing was signed",
    details: { folder, sequence, image },
  });
}

/** @throws SyntaxError */
function parseDigest(text: string): string {
  if (!/^[0-9a-f]{8,64}$/.test(text))
    throw new SyntaxError(`${JSON.stringify(text)} is not the beginning of a digest: 8 to 64 hexadecimal digits`);
  return text;
}
