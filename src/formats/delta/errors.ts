/** A difference that cannot be applied: damaged, or made to do harm. Never more than a reason to fetch whole objects. */
export class DeltaError extends Error {
  override readonly name = "DeltaError";
}
