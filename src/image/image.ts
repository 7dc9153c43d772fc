/** Image: everything of one machine version that ships, by digest. The digest of its EROFS image is its name. */
import type { ObjectId } from "#store/object.ts";

export interface Image {
  readonly version: 1;
  /** The System's name. */
  readonly name: string;
  /** fs-verity digest of the composefs (EROFS) image; a file of the store like every other. */
  readonly digest: ObjectId;
  /** Absent when the system has no kernel (a container, say). */
  readonly kernel?: {
    /** "6.12.57+deb13-cloud-amd64" */
    readonly version: string;
    readonly linux: ObjectId;
    readonly initrd: ObjectId;
    /** Kernel arguments of the System, without those that Ashlar adds. */
    readonly arguments: readonly string[];
  };
  readonly boot: { readonly timeout: number; readonly tries: number };
  /** sha256 of the canonical System, and of the canonical Lock. */
  readonly config: string;
  readonly lock: string;
  /** SOURCE_DATE_EPOCH: seconds since 1970 of every inode. */
  readonly epoch: number;
}
