// A bound for requests with missing or wrong keys, of this process alone. It never shuts out a valid key, which may come from
// the same address (everyone behind one proxy has the same): over the bound a wrong key is answered 429 instead of 401, and
// keys that are not known yet are looked up together with others (see queued-look-ups.ts), so that guessing costs PostgreSQL
// little, however much of it there is.

import { LRUCache } from "lru-cache";

export interface WrongKeys {
  /** A request of this address had no valid key. Null: within the bound. Else ms until the address has a new minute. */
  count(address: string): number | null;
  /** Whether so many came lately, of this address or of all, that the next key may wait for its look-up. */
  exceeded(address: string): boolean;
}

export interface WrongKeyBounds {
  readonly ofAddress: number;
  readonly ofAll: number;
}

/** Requests a minute. */
export const WRONG_KEYS_PER_MINUTE: WrongKeyBounds = { ofAddress: 1_200, ofAll: 6_000 };
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

interface Window {
  readonly endsAtMs: number;
  count: number;
}

/** `monotonicMs`: milliseconds that never go back. */
export function createWrongKeys(monotonicMs: () => number, bounds = WRONG_KEYS_PER_MINUTE): WrongKeys {
  const ofAddress = new LRUCache<string, Window>({ max: MAX_ADDRESSES });
  let ofAll: Window = { endsAtMs: -Infinity, count: 0 };

  function current(window: Window | undefined): Window {
    const nowMs = monotonicMs();
    return window !== undefined && nowMs < window.endsAtMs ? window : { endsAtMs: nowMs + WINDOW_MS, count: 0 };
  }

  return {
    count(address) {
      const window = current(ofAddress.get(address));
      ofAddress.set(address, window);
      ofAll = current(ofAll);
      window.count++;
      ofAll.count++;
      return window.count > bounds.ofAddress ? window.endsAtMs - monotonicMs() : null;
    },
    exceeded(address) {
      return current(ofAddress.get(address)).count >= bounds.ofAddress || current(ofAll).count >= bounds.ofAll;
    },
  };
}
