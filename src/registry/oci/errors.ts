/** The errors of container registries and images. None of them leaves a machine or a store changed. */
export type OciErrorCode =
  /** The text is no address of an image. */
  | "E_OCI_REFERENCE"
  | "E_OCI_UNREACHABLE"
  /** The registry wants a login, or refuses the one that it got. */
  | "E_OCI_UNAUTHORIZED"
  /** A credentials file cannot be read as one. */
  | "E_OCI_CREDENTIALS"
  /** The registry answers something that the specification does not allow here. */
  | "E_OCI_PROTOCOL"
  /** A redirect to where no registry may send anyone. */
  | "E_OCI_REDIRECT"
  | "E_OCI_NOT_FOUND"
  /** A manifest, index or configuration is none. */
  | "E_OCI_MANIFEST"
  /** A manifest that is two things at once. */
  | "E_OCI_AMBIGUOUS"
  | "E_DIGEST_SYNTAX"
  /** Bytes differ from what their descriptor says. */
  | "E_OCI_DIGEST"
  /** More bytes than announced, or than anyone should read. */
  | "E_OCI_SIZE"
  /** What a layer unpacks to is not what the configuration says. */
  | "E_OCI_DIFF_ID"
  /** A layer that cannot be unpacked: the compression, or a whiteout of nothing. */
  | "E_OCI_LAYER"
  /** Extended attributes that would change what an overlay shows. */
  | "E_XATTR_FORBIDDEN"
  /** A tree with something that no container image can hold. */
  | "E_OCI_TREE"
  /** The folder is no OCI image layout. */
  | "E_OCI_LAYOUT"
  /** The file is no archive of one image. */
  | "E_OCI_ARCHIVE"
  /** The image is of another architecture, or not one that Ashlar made. */
  | "E_OCI_IMAGE"
  /** The release that hangs on the image does not belong to it. */
  | "E_OCI_RELEASE";
