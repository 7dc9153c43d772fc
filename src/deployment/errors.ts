/** The errors of a machine's generations. */

export type DeploymentErrorCode =
  /** Another process changes this machine's generations. */
  | "E_MACHINE_BUSY"
  /** The command needs root. */
  | "E_MACHINE_ROOT"
  /** A record in `ashlar/deployments` cannot be read. */
  | "E_DEPLOYMENT_UNREADABLE"
  | "E_GENERATION_UNKNOWN"
  /** The generation failed its trial. */
  | "E_GENERATION_FAILED"
  /** The generation has a record but no boot entry, or lacks files. */
  | "E_GENERATION_INCOMPLETE"
  /** No block is left for the record of a generation. */
  | "E_PIN_SPACE"
  /** The generation of the first installation is gone, or its initrd cannot reset. */
  | "E_RESET_NONE"
  /** A reset that nobody confirmed. */
  | "E_RESET_CONFIRM"
  /** There is nothing to go back to. */
  | "E_ROLLBACK_NONE"
  | "E_STAGE_SPACE"
  | "E_STAGE_INODES"
  | "E_ESP_FULL"
  /** Objects are missing after everything was fetched. */
  | "E_STAGE_INCOMPLETE"
  /** The firmware of this machine cannot load the kernel. */
  | "E_STAGE_KERNEL"
  /** What refers to objects cannot be read, so that nothing may be removed. */
  | "E_COLLECT_ROOTS";
