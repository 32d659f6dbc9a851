// Keeps refused deliveries for their tenant to look at: a bounded number a minute of each hook, so that neither a stranger
// nor a producer gone wild fills the table. Signed and unsigned ones have a bound each: strangers crowd out nobody.

import type { DeliveryRecord } from "@keelson/db";
import type { RateLimit } from "../limits/rate-limit.ts";
import type { Reason } from "./refusal.ts";

export interface Rejected {
  readonly tenantId: string;
  readonly delivery: DeliveryRecord;
  readonly body: Uint8Array;
  readonly reason: Reason;
  readonly signed: boolean;
}

export type KeepRejected = (rejected: Rejected) => Promise<void>;

/** Of each hook, signed and unsigned ones apart … */
const KEPT_PER_MINUTE = 60;
/** … where a large body counts as several, one for each so many bytes. */
const BYTES_OF_ONE = 64 * 1024;

/** Never rejects: the sender gets its refusal whether or not it could be written down. */
export function createRejections(deps: {
  readonly reject: (rejected: Omit<Rejected, "signed" | "reason"> & { readonly reason: Reason }) => Promise<void>;
  readonly rate: RateLimit;
  readonly onError: (error: unknown) => void;
}): KeepRejected {
  return async ({ signed, reason, ...rejected }) => {
    const key = `kept ${signed ? "signed" : "unsigned"} ${rejected.delivery.hookId}`;
    const cost = Math.max(1, Math.ceil(rejected.body.length / BYTES_OF_ONE));
    if (deps.rate.take(key, KEPT_PER_MINUTE, cost) !== null) return;
    // A text cut in the middle of a surrogate pair could not be stored.
    const storable = { ...reason, text: reason.text.toWellFormed() };
    await deps.reject({ ...rejected, reason: storable }).catch(deps.onError);
  };
}
