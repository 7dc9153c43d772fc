/** What of two images a running kernel cannot take over. */
import type { Image } from "#image/image.ts";

export interface KernelDifference {
  readonly what: string;
  readonly why: string;
}

export function kernelDifferences(from: Image["kernel"], to: Image["kernel"]): KernelDifference[] {
  const found: KernelDifference[] = [];
  if (from?.linux !== to?.linux)
    found.push({ what: `kernel ${from?.version ?? "none"} → ${to?.version ?? "none"}`, why: "a kernel runs until another one starts" });
  if (from?.initrd !== to?.initrd) found.push({ what: "initrd", why: "it runs only when the kernel starts" });
  const [before, after] = [from?.arguments ?? [], to?.arguments ?? []];
  if (before.join(" ") !== after.join(" ")) {
    const gone = before.filter((word) => !after.includes(word)).map((word) => `-${word}`);
    const come = after.filter((word) => !before.includes(word)).map((word) => `+${word}`);
    found.push({ what: ["kernel.arguments", ...gone, ...come].join(" "), why: "the kernel reads them when it starts" });
  }
  return found;
}
