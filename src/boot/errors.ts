/** Codes of the boot stage's errors. */
export type BootErrorCode =
  /** The tree has no kernel, or several. */
  | "E_BOOT_NO_KERNEL"
  | "E_BOOT_SEVERAL_KERNELS"
  /** A program, library or unit that the initrd needs is not in the tree. */
  | "E_INITRD_MISSING"
  /** A loader entry cannot be read. */
  | "E_ENTRY_MALFORMED"
  /** A loader entry would not fit its limits. */
  | "E_ENTRY_TOO_LONG"
  /** No entry of that generation. */
  | "E_ENTRY_MISSING"
  | "E_ESP_FULL"
  | "E_ESP_WRITE";
