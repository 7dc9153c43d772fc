/** What is no zstd frame, or none that can be taken apart. */
export class ZstdError extends Error {
  override name = "ZstdError";
}
