/** An image being written: one buffer in two views, and where its areas start. */
export interface Output {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly inodesEnd: number;
  /** Number of the first block of content. */
  readonly dataBlock: number;
}
