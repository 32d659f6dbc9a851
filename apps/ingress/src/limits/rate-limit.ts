// A token bucket for each key, of this process alone: bounds for what strangers send and for what is kept of it. The rate that
// a tenant's limit gives to rightly signed requests is counted over all instances (`createSharedRate`).

import { LRUCache } from "lru-cache";

export interface RateLimit {
  /** Null: it passes and is counted. Else it is not counted, and would pass after so many ms. */
  take(key: string, perMinute: number, cost?: number): number | null;
}

/** A full bucket holds what a minute brings. */
const WINDOW_MS = 60_000;
const MAX_KEYS = 100_000;

/** `monotonicMs`: milliseconds that never go back. */
export function createRateLimit(monotonicMs: () => number): RateLimit {
  // When the bucket will be full again: says the same as a count of tokens and a time, at any rate, in one number.
  const fullAtMs = new LRUCache<string, number>({ max: MAX_KEYS });
  return {
    take(key, perMinute, cost = 1) {
      const nowMs = monotonicMs();
      const nextMs = Math.max(fullAtMs.get(key) ?? 0, nowMs) + (cost * WINDOW_MS) / perMinute;
      const excessMs = nextMs - nowMs - WINDOW_MS;
      if (excessMs > 0) return excessMs;
      fullAtMs.set(key, nextMs);
      return null;
    },
  };
}
