/** The errors of publishing and fetching. None of them leaves anything changed on a machine. */

export type RegistryErrorCode =
  /** The address is neither a folder nor an http(s) URL, or nothing answers there. */
  | "E_SOURCE_UNREACHABLE"
  /** It sends too little to wait for, and there is another one. */
  | "E_SOURCE_SLOW"
  /** What is there is no release folder, or one of a newer format. */
  | "E_SOURCE_FORMAT"
  /** The manifest is not what `docs/formats/release.md` describes. */
  | "E_RELEASE_MALFORMED"
  /** The release is older than one this machine has had. */
  | "E_RELEASE_OLDER"
  | "E_RELEASE_EXPIRED"
  /** The release is for a system of another name. */
  | "E_RELEASE_OTHER_SYSTEM"
  /** The publish folder lacks an object of the release. */
  | "E_OBJECT_MISSING"
  /** An object is larger or smaller than, or differs from, what the release says. */
  | "E_OBJECT_DIGEST"
  | "E_PUBLISH_SEQUENCE"
  | "E_PUBLISH_FOLDER"
  /** Objects are to be left out that a release has which the folder does not have. */
  | "E_CARRY_FROM";
