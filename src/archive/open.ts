/**
 * The verified archive: InRelease by its signature, Packages by the hash in InRelease, packages by the hash in Packages.
 * What was fetched is kept; a lock made from it can be used again without network.
 */
import type { ArchiveContext, ArchiveRequest } from "./context.ts";
import type { LockedArchive } from "#lock/lock.ts";
import { openIndex } from "./open-index.ts";
import type { ComponentIndex } from "./open-index.ts";
import { openRelease } from "./open-release.ts";
import { suitesOf } from "./suites.ts";

export interface Archive extends LockedArchive {
  readonly indexes: readonly ComponentIndex[];
}

/** The archives of a suite with their indexes, in the order in which they are asked for a package. @throws E_ARCHIVE_* */
export async function openArchives(request: ArchiveRequest, context: ArchiveContext): Promise<Archive[]> {
  return context.report.step("read package lists", async (step) => {
    const inner = { ...context, report: step };
    const archives: Archive[] = [];
    let fetched = false;
    for (const { root, suite } of suitesOf(request.suite)) {
      const snapshot = request.snapshots?.find((candidate) => candidate.root === root && candidate.suite === suite);
      const found = await openRelease({ root, suite, refresh: request.refresh, ...(snapshot === undefined ? {} : { snapshot }) }, inner);
      const indexes: ComponentIndex[] = [];
      for (const component of request.components) {
        const opened = await openIndex(
          { root, suite, component, architecture: request.architecture, refresh: request.refresh },
          found.release,
          inner,
        );
        fetched ||= opened.fetched;
        indexes.push(opened);
      }
      fetched ||= found.fetched;
      archives.push({ root, suite, components: request.components, date: found.release.date, release: found.sha256, indexes });
    }
    if (!fetched) step.cached();
    return archives;
  });
}
