/** The errors of applying a generation to the running system. */

export type ApplyErrorCode =
  /** Only a machine that Ashlar started has generations to apply. */
  | "E_APPLY_NOT_BOOTED"
  | "E_APPLY_ROOT"
  /** The generation's image is not what its name says. */
  | "E_APPLY_IMAGE"
  /** This way of applying cannot be taken; the message says why. */
  | "E_APPLY_REFUSED"
  /** An earlier apply was interrupted and is not finished. */
  | "E_APPLY_UNFINISHED"
  /** Something failed after the switch, and everything was put back. */
  | "E_APPLY_UNDONE"
  /** Putting back failed, too. */
  | "E_APPLY_STUCK"
  | "E_CONFIRM_NOTHING"
  /** The login is not a new authenticated one. */
  | "E_CONFIRM_LOGIN";
