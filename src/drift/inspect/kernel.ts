/** Kernel arguments: /proc/cmdline against the boot entry of the generation, which somebody may edit in the menu or on the ESP. */
import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";

export function inspectKernel({ cmdline, entryOptions, system }: Facts): Finding[] {
  const running = words(cmdline).filter((word) => !word.startsWith("initrd="));
  const entry = entryOptions === undefined ? undefined : words(entryOptions);
  // Arguments of a generation whose entry is gone are those of its config.
  const wanted = entry ?? [...running.filter(isOwn), ...system.kernel.arguments];
  return [
    ...less(running, wanted).map((name): Finding => ({ kind: "kernel", name, change: "added", what: ["not in the boot entry"] })),
    ...less(wanted, running).map((name): Finding => ({ kind: "kernel", name, change: "removed", what: ["in the boot entry only"] })),
    ...(entry === undefined
      ? []
      : less(
          entry.filter((word) => !isOwn(word)),
          system.kernel.arguments,
        )
    ).map((name): Finding => {
      return { kind: "kernel", name, change: "added", what: ["in the boot entry, not in the config"] };
    }),
  ];
}

/** What Ashlar itself writes into an entry (docs/formats/boot.md). */
function isOwn(word: string): boolean {
  return /^(composefs|root|rootfstype|panic)=|^rw$|^ashlar\.|^rd\.emergency=|^systemd\./.test(word);
}

/** Blanks separate arguments, but not inside double quotes. */
function words(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^\s"])+/g) ?? [];
}

/** `all` without one of each of `taken`. */
function less(all: readonly string[], taken: readonly string[]): string[] {
  const left = [...taken];
  return all.filter((word) => {
    const at = left.indexOf(word);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
