/**
 * The kernel moves to where its modules are, so that a generation has everything of one version in one place and
 * /boot is empty (boot.md §6.8; the layout that kernel-install and bootc use).
 */
import { below, movePath, removePath } from "../draft.ts";
import type { Draft } from "../draft.ts";

/** Moves /boot/vmlinuz-VERSION to /usr/lib/modules/VERSION/vmlinuz and its config beside it, and empties /boot. */
export function relocateKernel(draft: Draft): void {
  for (const path of below(draft.nodes, "/boot")) {
    const version = /^\/boot\/vmlinuz-(.+)$/.exec(path)?.[1];
    if (version === undefined || !draft.nodes.has(`/usr/lib/modules/${version}`)) continue;
    movePath(draft, path, `/usr/lib/modules/${version}/vmlinuz`);
    if (draft.nodes.has(`/boot/config-${version}`)) movePath(draft, `/boot/config-${version}`, `/usr/lib/modules/${version}/config`);
  }
  for (const path of below(draft.nodes, "/boot")) removePath(draft, path);
}
