/** What can be wrong with who vouches for a release. None of it changes what a machine runs. */

export type TrustErrorCode =
  /** The image names no root: this machine trusts nobody. */
  | "E_TRUST_NO_ROOT"
  /** Fewer good signatures than the role's threshold, by keys that count now. */
  | "E_TRUST_UNSIGNED"
  | "E_TRUST_EXPIRED"
  /** A version below one that this machine has seen: rolled back, or replayed. */
  | "E_TRUST_ROLLBACK"
  /** A root that does not follow the one before: wrong version, or not signed by it. */
  | "E_TRUST_ROOT"
  /** Length, hash or version is not what the metadata above says: altered, or mixed. */
  | "E_TRUST_MISMATCH"
  | "E_TRUST_SIZE"
  | "E_TRUST_MALFORMED"
  /** A file that the metadata names is not there. */
  | "E_TRUST_INCOMPLETE"
  /** The machine's clock is before its own image. */
  | "E_TRUST_CLOCK"
  /** No release of the channel that this machine follows. */
  | "E_TRUST_CHANNEL"
  /** A release has to be run first that the source does not have. */
  | "E_TRUST_BARRIER"
  | "E_KEYS_EXIST"
  | "E_KEYS_FOLDER"
  | "E_KEYS_PASSPHRASE"
  /** Too few private keys are here for a role's threshold. */
  | "E_KEYS_MISSING"
  | "E_KEYS_UNKNOWN"
  /** What waits for signatures is not what it should be. */
  | "E_KEYS_PROPOSAL";
