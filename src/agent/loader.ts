/** Joins the deployment stage to the boot stage. */
import { pruneKernels, removeEntry, setActivation, setCounter } from "#boot/activate.ts";
import { espSpace, installEntry } from "#boot/arm.ts";
import { readLoader } from "#boot/loader.ts";
import { readRecovery } from "#boot/recovery.ts";
import type { Entries, Loader } from "#deployment/loader.ts";

/** @param esp where the ESP is mounted */
export function openLoader(esp: string): Loader {
  return {
    esp,
    entries: () => readEntries(esp),
    space: (files) => espSpace(esp, files),
    install: (image, request) => void installEntry(esp, image, request),
    activate: (generation, activation) => setActivation(esp, generation, activation),
    uncount: (generation) => setCounter(esp, generation, "none"),
    exhaust: (generation) => setCounter(esp, generation, "exhausted"),
    remove: (generation) => void removeEntry(esp, generation),
    prune: () => void pruneKernels(esp),
  };
}

function readEntries(esp: string): Entries {
  const state = readLoader(esp);
  return {
    all: state.entries.flatMap(({ entry, tries }) =>
      entry === undefined
        ? []
        : [{ generation: entry.generation, activation: entry.activation, digest: entry.image, ...(tries === undefined ? {} : { tries }) }],
    ),
    next: state.next?.entry?.generation,
    activation: state.activation,
    recovery: readRecovery(esp).map(({ kind, entry }) => ({ kind, generation: entry.generation, digest: entry.image })),
    problems: state.entries.flatMap(({ problem }) => problem ?? []),
  };
}
