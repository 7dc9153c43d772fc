/**
 * Lock: what a System resolves to. `system.lock.json`, committed by the user. Same System + same Lock = same digest.
 * It names no host: a mirror is a setting of the machine that builds.
 */

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Below the archive's root: "pool/main/h/hello/hello_2.10-3_amd64.deb". */
  readonly path: string;
  /** Which archive of `archives` has it. */
  readonly archive: string;
  /** Bytes of the .deb. */
  readonly size: number;
  readonly sha256: string;
}

export interface LockedArchive {
  /** "debian" or "debian-security": the last part of the mirror's path. */
  readonly root: string;
  /** "trixie", "trixie-updates", "trixie-security". */
  readonly suite: string;
  readonly components: readonly string[];
  /** Release's Date, ISO 8601; the newest of all archives is SOURCE_DATE_EPOCH. */
  readonly date: string;
  /** sha256 of the signed InRelease. */
  readonly release: string;
}

export interface LockedLayers {
  readonly request: { readonly packages: readonly string[]; readonly debs: readonly string[] };
  readonly packages: readonly LockedPackage[];
}

export interface Lock {
  readonly version: 1;
  /** What was asked of the resolver; a System that asks for something else does not fit this lock. */
  readonly request: {
    readonly distribution: string;
    readonly suite: string;
    readonly architecture: string;
    readonly components: readonly string[];
    readonly packages: readonly string[];
    readonly recommends: boolean;
  };
  readonly archives: readonly LockedArchive[];
  /** Sorted by name, then architecture. */
  readonly packages: readonly LockedPackage[];
  /** What the config's layers bring on top of `packages`; absent when it has no packages among its layers. */
  readonly layers?: LockedLayers | undefined;
  /** Tools that shape the result: Node, Ashlar's format version, and the packages of the tools tree. */
  readonly tools: { readonly ashlar: string; readonly node: string; readonly packages: readonly LockedPackage[] };
  /** Names of system users and groups to their fixed numbers: grows, is never reused. */
  readonly ids: { readonly users: Readonly<Record<string, number>>; readonly groups: Readonly<Record<string, number>> };
}
