// Keeps refused deliveries for their tenant to look at: a bounded number a minute of each hook, so that neither a stranger
// nor a producer gone wild fills the table. Signed and unsigned ones have a bound each: strangers crowd out nobody.
//  K1. An unsigned one is looked into and written down after its sender was answered, so that nothing of what is found out
//      shows in the answer or in the time it takes. One at a time: it holds up nothing that is rightly signed.

import { setImmediate as afterAnswers } from "node:timers/promises";
import type { DeliveryRecord } from "@keelson/db";
import type { RateLimit } from "../limits/rate-limit.ts";
import type { Reason } from "./refusal.ts";

export interface Rejected {
  readonly tenantId: string;
  readonly delivery: DeliveryRecord;
  readonly body: Uint8Array;
  readonly reason: Reason;
}

export interface Rejections {
  /** Rightly signed, and refused for something else. Resolves when it is written down. */
  readonly keepSigned: (rejected: Rejected) => Promise<void>;
  /** `explain`: a better reason; asked for only if the delivery is kept. */
  readonly keepUnsigned: (rejected: Rejected, explain: () => Promise<Reason>) => void;
  /** Resolves when all that was to be kept so far is. */
  readonly settled: () => Promise<void>;
}

/** Of each hook, signed and unsigned ones apart … */
const KEPT_PER_MINUTE = 60;
/** … where a large body counts as several, one for each so many bytes. */
const BYTES_OF_ONE = 64 * 1024;
/** Of all hooks, unsigned ones that are still to be written down, counted in the same way; more are not kept. */
const MAX_PENDING = 512;

/** None of it ever rejects: the sender gets its refusal whether or not it could be written down. */
export function createRejections(deps: {
  readonly reject: (rejected: Rejected) => Promise<void>;
  readonly rate: RateLimit;
  readonly onError: (error: unknown) => void;
}): Rejections {
  let pending = 0;
  let last: Promise<void> = Promise.resolve();

  function mayKeep(kind: "signed" | "unsigned", rejected: Rejected): boolean {
    return deps.rate.take(`kept ${kind} ${rejected.delivery.hookId}`, KEPT_PER_MINUTE, costOf(rejected)) === null;
  }

  async function write(rejected: Rejected): Promise<void> {
    const { reason } = rejected;
    // A text cut in the middle of a surrogate pair could not be stored.
    const storable = { ...reason, text: reason.text.toWellFormed() };
    await deps.reject({ ...rejected, reason: storable }).catch(deps.onError);
  }

  async function examine(before: Promise<void>, rejected: Rejected, explain: () => Promise<Reason>): Promise<void> {
    await before;
    await afterAnswers();
    const reason = await explain().catch((error: unknown) => {
      deps.onError(error);
      return rejected.reason;
    });
    await write({ ...rejected, reason });
    pending -= costOf(rejected);
  }

  return {
    async keepSigned(rejected) {
      if (mayKeep("signed", rejected)) await write(rejected);
    },
    keepUnsigned(rejected, explain) {
      if (pending >= MAX_PENDING || !mayKeep("unsigned", rejected)) return;
      pending += costOf(rejected);
      last = examine(last, rejected, explain);
    },
    settled: () => last,
  };
}

function costOf({ body }: Rejected): number {
  return Math.max(1, Math.ceil(body.length / BYTES_OF_ONE));
}
