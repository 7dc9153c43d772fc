/** What `ashlar keys` says about a folder of keys. */
import { keysOf } from "#registry/trust/ring.ts";
import type { KeyRing } from "#registry/trust/ring.ts";
import { readProposedRoot } from "#registry/trust/rotation.ts";
import { canSign } from "#registry/trust/signatures.ts";
import type { Signatures } from "#registry/trust/signatures.ts";
import type { CommandResult } from "../context.ts";

const ROLES = ["root", "targets", "snapshot", "timestamp"] as const;
/** Roots are renewed by rotating; a quarter is time enough to get at keys that lie apart. */
const SOON = 90 * 86_400;

export function signaturesText({ have, need }: Signatures): string {
  return `${have} of ${need} have signed; next, with another key: ashlar keys sign`;
}

export function describeRing(ring: KeyRing, now: number): CommandResult {
  const { version, expires, roles } = ring.root.signed;
  const described = ROLES.map((name) => {
    const here = keysOf(ring, name).map(({ file }) => file.keyid);
    const { keyIDs = [], threshold = 1 } = roles[name] ?? {};
    return { name, threshold, days: ring.settings.days[name], keys: keyIDs.map((id) => ({ id, here: here.includes(id) })) };
  });
  const files = ring.keys.map(({ path, file }) => ({
    path,
    id: file.keyid,
    encrypted: file.kdf !== undefined,
    roles: described.filter(({ keys }) => keys.some(({ id }) => id === file.keyid)).map(({ name }) => name),
  }));
  const proposed = readProposedRoot(ring, now);
  const left = Date.parse(expires) / 1000 - now;
  const lines = [
    `${ring.folder}: root ${version}, ${left < 0 ? "EXPIRED since" : "good until"} ${expires}`,
    ...described.map(({ name, threshold, keys }) => {
      const ids = keys.map(({ id, here }) => `${id.slice(0, 16)}${here ? "" : " (not here)"}`).join(", ");
      return `  ${name.padEnd(9)} ${threshold} of ${keys.length}: ${ids}`;
    }),
    ...files.map(({ path, id, encrypted, roles: of }) => {
      const what = of.length === 0 ? "not in this root any more" : of.join(", ");
      return `  ${path.slice(ring.folder.length + 1)}: ${id.slice(0, 16)}, ${encrypted ? "encrypted" : "NOT ENCRYPTED"}, ${what}`;
    }),
    ...ROLES.flatMap((name) => (canSign(ring, name) ? [] : [`  ${name}: too few of its keys are here to sign`])),
    ...(proposed === undefined ? [] : [`  root ${proposed.version} is proposed: ${signaturesText(proposed)} ${ring.folder}`]),
    ...(left < SOON ? ["  the root has to be renewed: ashlar keys rotate --no-new-key"] : []),
  ];
  const next = proposed === undefined ? {} : { proposed: { ...proposed, bytes: undefined } };
  return { json: { folder: ring.folder, root: { version, expires }, roles: described, files, ...next }, text: lines.join("\n") };
}
