/** The files of a fresh EFI system partition, as a plain list. */
import { AshlarError } from "#errors";
import type { Image } from "#image/image.ts";
import type { BootEntry } from "./entry.ts";
import { renderEntry } from "./entry.ts";
import { entryFileName } from "./entry-name.ts";
import type { BootErrorCode } from "./errors.ts";
import { kernelIdOf } from "./kernel-id.ts";
import { recoveryFileName, renderRecovery } from "./recovery.ts";
import type { RecoveryKind } from "./recovery.ts";

export interface EspOptions {
  readonly image: Image;
  readonly linux: Buffer;
  readonly initrd: Buffer;
  /** /usr/lib/systemd/boot/efi/systemd-bootx64.efi of the package systemd-boot-efi. */
  readonly systemdBoot: Buffer;
  readonly generation: number;
  /** What the menu offers besides; nothing when absent. */
  readonly recovery?: readonly RecoveryKind[];
}

export interface EspFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly content: Buffer;
}

/** Boot loader (also under the name that firmware looks for by itself), its configuration, kernel, initrd, and one entry on trial. */
export function espFiles(options: EspOptions): EspFile[] {
  const { image, linux, initrd, systemdBoot, generation } = options;
  const kernelId = kernelIdOf(linux, initrd);
  const entry = entryOf(image, { generation, activation: generation, kernelId });
  return [
    { path: "EFI/BOOT/BOOTX64.EFI", content: systemdBoot },
    { path: "EFI/systemd/systemd-bootx64.efi", content: systemdBoot },
    { path: "loader/loader.conf", content: Buffer.from(`timeout ${image.boot.timeout}\n`) },
    { path: `ashlar/${kernelId}/linux`, content: linux },
    { path: `ashlar/${kernelId}/initrd`, content: initrd },
    { path: `loader/entries/${entryFileName(generation, image.boot.tries)}`, content: Buffer.from(renderEntry(entry)) },
    ...(options.recovery ?? []).map((kind) => ({
      path: `loader/entries/${recoveryFileName(kind)}`,
      content: Buffer.from(renderRecovery(kind, entry)),
    })),
  ];
}

/** The entry of an image. @throws E_BOOT_NO_KERNEL when the image has none */
export function entryOf(image: Image, numbers: Pick<BootEntry, "generation" | "activation" | "kernelId">): BootEntry {
  if (image.kernel === undefined)
    throw new AshlarError<BootErrorCode>(
      "E_BOOT_NO_KERNEL",
      `image ${image.digest} of ${image.name} has no kernel, so no machine can start it`,
      {
        hint: "set kernel.package in the config and build it again",
      },
    );
  const name = image.name.charAt(0).toUpperCase() + image.name.slice(1);
  return { ...numbers, title: `${name} (generation ${numbers.generation})`, image: image.digest, arguments: image.kernel.arguments };
}
