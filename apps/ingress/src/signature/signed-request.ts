import type { RequestHeaders } from "./request-headers.ts";

/** What every scheme verifies. */
export interface SignedRequest {
  /** The body byte by byte, never re-encoded. */
  readonly rawBody: Uint8Array;
  readonly headers: RequestHeaders;
  /** Values of the trigger's secrets, in any order; any that matches passes, so that a secret can be rotated. */
  readonly secrets: readonly string[];
  readonly nowMs: number;
}
