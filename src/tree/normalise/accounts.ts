/** Dates in the shadow file say on which day an image was built; the archive's date is used instead. */
import { editText } from "../draft.ts";
import type { Draft } from "../draft.ts";

const SECONDS_PER_DAY = 86400;

/** Sets the "last change" of every password (shadow(5), field 3) to the day of the tree. */
export function fixShadowDates(draft: Draft): void {
  const day = String(Math.floor(draft.mtime / SECONDS_PER_DAY));
  editText(draft, "/etc/shadow", (text) => text.replace(/^([^:\n]*:[^:\n]*:)[^:\n]*/gm, (_line, start: string) => start + day));
}
