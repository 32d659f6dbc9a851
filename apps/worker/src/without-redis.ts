// While Redis is away a worker's hints reach itself alone: what it has released, and the children it has started, it may
// as well take again. The sweep finds the rest (I9).
import type { ExecutionRef, Hints } from "@keelson/engine";

/** Longer waits are left to the sweep; ms. */
const LONGEST_WAIT_MS = 60_000;

export function withoutRedis(hints: Hints, redisAnswers: () => boolean, offer: (ref: ExecutionRef) => void): Hints {
  return {
    wake(ref, delayMs) {
      if (redisAnswers()) hints.wake(ref, delayMs);
      else if (delayMs <= LONGEST_WAIT_MS) setTimeout(() => offer(ref), delayMs).unref();
    },
    mail: (ref) => hints.mail(ref),
  };
}
