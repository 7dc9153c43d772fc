/**
 * Which units start is a fact of the image, so the links lie in /usr, where they change with the image and can never be
 * left over from an older one: a stale `.requires` link in a persistent /etc keeps a machine from booting.
 */
import type { ByteString } from "#formats/bytes.ts";
import { below, putSymlink, removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";

const SCOPES = ["system", "user"] as const;

/** Moves every link below /etc/systemd/{system,user} to /usr/lib/systemd/{system,user}. */
export function moveEnablement(draft: Draft): void {
  for (const scope of SCOPES) {
    const from = `/etc/systemd/${scope}`;
    for (const path of below(draft.nodes, from)) {
      const node = draft.nodes.get(path);
      if (node?.kind !== "symlink") continue;
      const to = `/usr/lib/systemd/${scope}${path.slice(from.length)}`;
      if (!draft.nodes.has(to)) putSymlink(draft, to, relativeUnit(path.slice(from.length + 1), node.target));
    }
    for (const path of below(draft.nodes, from)) {
      if (draft.nodes.get(path)?.kind === "symlink" || /\.(wants|requires|upholds)$/.test(path)) removePath(draft, path);
    }
  }
}

/** "multi-user.target.wants/x.service" → "../x.service"; an alias beside the unit → "x.service"; masks stay /dev/null. */
function relativeUnit(link: ByteString, target: ByteString): ByteString {
  if (target === "/dev/null") return target;
  const unit = target.slice(target.lastIndexOf("/") + 1);
  return link.includes("/") ? `../${unit}` : unit;
}
