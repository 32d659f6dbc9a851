/** A target that http steps may not reach. Raised before any byte goes to it; never retried. */
export class EgressBlocked extends Error {
  override readonly name = "EgressBlocked";
}
