/** Codes of the errors about a machine's mutable data. */
export type StateErrorCode =
  /** A file below /state/ashlar cannot be read. */
  | "E_STATE_UNREADABLE"
  /** Only root can see or change all data. */
  | "E_STATE_ROOT"
  /** A path that cannot be kept: not below /var, or not there. */
  | "E_STATE_PATH"
  /** The data was written by a newer version than the one that is to read it. */
  | "E_STATE_TOO_NEW"
  /** No room for a copy of the data. */
  | "E_STATE_SPACE"
  /** There is no such copy or wiped tree. */
  | "E_STATE_NONE"
  /** Something is where the recovered path would go. */
  | "E_STATE_EXISTS"
  /** The config does not name this service in `state.schemas`. */
  | "E_STATE_SERVICE";
