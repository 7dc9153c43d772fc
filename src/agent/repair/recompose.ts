/** What a composed generation has of its own is at no source: it is composed again, of the same two images, to the same bytes. */
import { compose } from "#compose/compose.ts";
import { openRoot } from "#compose/root.ts";
import type { Deployment } from "#deployment/deployment.ts";
import { AshlarError, messageOf } from "#errors";
import type { ObjectId } from "#store/object.ts";
import type { Store } from "#store/store.ts";
import type { Damage } from "./damage.ts";
import type { Healed } from "./heal.ts";

/** Composes again what is damaged; a generation whose two images are gone or damaged themselves is left as it is. */
export function recompose(damage: readonly Damage[], deployments: readonly Deployment[], store: Store): Healed {
  const healed: ObjectId[] = [];
  const failures: { source: string; why: string }[] = [];
  let bytes = 0;
  for (const { number, composedFrom } of deployments) {
    const wanted = new Set(damage.filter(({ generations }) => generations.includes(number)).map(({ object }) => object));
    const [base, from] = [composedFrom?.base, composedFrom?.from].map((digest) => imageOf(digest, deployments, store));
    if (composedFrom === undefined || base === undefined || from === undefined || wanted.size === 0) continue;
    try {
      const roots = { newer: openRoot(base, store), older: openRoot(from, store) };
      const { contents } = compose({ ...roots, parts: composedFrom.parts, problemsOf: () => [] });
      for (const [object, content] of contents) {
        if (!wanted.has(object)) continue;
        store.replace(content);
        healed.push(object);
        bytes += content.length;
      }
    } catch (error) {
      if (!(error instanceof AshlarError) && !(error instanceof SyntaxError)) throw error;
      failures.push({ source: `generation ${number}`, why: messageOf(error) });
    }
  }
  return { objects: healed, bytes, failures };
}

function imageOf(digest: ObjectId | undefined, deployments: readonly Deployment[], store: Store) {
  const image = deployments.find((deployment) => deployment.image.digest === digest)?.image;
  return image !== undefined && store.has(image.digest) ? image : undefined;
}
