// So many requests a minute of each key, counted over all instances through Redis, where a minute begins with the key's first
// request. An instance takes small blocks of points at a time and spends them from memory: most requests ask nobody.
//  S1. Of one window never more than the limit is granted, by however many instances; small limits are exact, since a block
//      is then one point. With a larger one, an instance may refuse while others still hold a few points unspent.
//  S2. Without Redis each instance goes on by what it knows of the window, and nobody waits: what passes meanwhile is told
//      to Redis when it answers again (I9). A Redis that is emptied is told what had been spent.
//  S3. The limit comes with each request. Where it has changed, points taken under the old one are given back.

import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import { type RateRedis, WINDOW_MS, takeFromWindow } from "./take-from-window.ts";
import { withinMs } from "./within-ms.ts";

export interface RateVerdict {
  /** A request that does not pass is not counted. */
  readonly passed: boolean;
  /** Requests a minute. */
  readonly limit: number;
  /** Requests that would still pass in this window, as far as this instance knows. */
  readonly remaining: number;
  /** Milliseconds until the window ends, and with it everything is free again. */
  readonly resetMs: number;
}

export interface SharedRate {
  /** Counts a request of `key`, if it passes. `perMinute`: at least 1. Never rejects. */
  take(key: string, perMinute: number): Promise<RateVerdict>;
}

export interface SharedRateDeps {
  /** Null: this process counts by itself. */
  readonly redis: RateRedis | null;
  readonly prefix: string;
  /** Milliseconds that never go back. */
  readonly monotonicMs: () => number;
}

/** A block is what a second brings. */
const BLOCKS_PER_WINDOW = 60;
/** Near its end, a window is shared out in smaller blocks: so much of what is left at a time. */
const SHARE_OF_REST = 1 / 10;
/** A Redis that is slower than this is as good as away … */
const MAX_WAIT_MS = 100;
/** … and is not asked again so soon. */
const AWAY_MS = 1_000;
const MAX_KEYS = 100_000;

interface Window {
  /** As Redis knows it; a new one's own proposal. */
  id: string;
  endsAtMs: number;
  /** The limit under which `held` was taken. */
  limit: number;
  /** Points taken by all instances, as last told, `held` and `untold` included. */
  used: number;
  /** Points taken by this instance and not spent yet. */
  held: number;
  /** Points spent by this instance that Redis has not been told of. */
  untold: number;
  /** Requests that wait for an answer of Redis. */
  waiting: number;
  asking: Promise<void> | null;
}

export function createSharedRate(deps: SharedRateDeps): SharedRate {
  const { redis, monotonicMs } = deps;
  const windows = new LRUCache<string, Window>({ max: MAX_KEYS });
  let awayUntilMs = -Infinity;

  function windowOf(key: string, perMinute: number): Window {
    const known = windows.get(key);
    const nowMs = monotonicMs();
    if (known !== undefined && nowMs < known.endsAtMs) return known;
    const begun = newWindow(nowMs + WINDOW_MS, perMinute);
    windows.set(key, begun);
    return begun;
  }

  async function ask(source: RateRedis, key: string, window: Window, perMinute: number): Promise<void> {
    const back = window.held;
    const told = window.untold;
    window.used -= back;
    window.held = 0;
    window.limit = perMinute;
    const answer = takeFromWindow(source, `${deps.prefix}:rate:${key}`, {
      id: window.id,
      limit: perMinute,
      want: wantedPoints(window),
      spent: window.used,
      untold: told,
      back,
      restMs: window.endsAtMs - monotonicMs(),
    });
    try {
      const { id, granted, used, restMs } = await withinMs(answer, MAX_WAIT_MS);
      window.untold -= told;
      window.id = id;
      window.held = granted;
      window.used = used + window.untold;
      // Not before it ends in Redis: who comes back when told to shall find it over.
      window.endsAtMs = monotonicMs() + Math.min(restMs + 1, WINDOW_MS);
    } catch {
      // The points of an answer that comes too late are lost with their window: too few, never too many.
      awayUntilMs = monotonicMs() + AWAY_MS;
    }
  }

  return {
    async take(key, perMinute) {
      for (;;) {
        const window = windowOf(key, perMinute);
        const reachable = redis?.status === "ready" && monotonicMs() >= awayUntilMs;
        if (window.limit === perMinute || !reachable) {
          if (spentOf(window) >= perMinute) return verdictOf(window, perMinute, false);
          if (window.held > 0) {
            window.held--;
            return verdictOf(window, perMinute, true);
          }
        }
        if (!reachable) {
          window.used++;
          window.untold++;
          return verdictOf(window, perMinute, true);
        }
        window.waiting++;
        window.asking ??= ask(redis, key, window, perMinute).finally(() => (window.asking = null));
        await window.asking;
        window.waiting--;
      }
    },
  };

  function verdictOf(window: Window, limit: number, passed: boolean): RateVerdict {
    const remaining = Math.max(0, limit - spentOf(window));
    return { passed, limit, remaining, resetMs: Math.max(0, window.endsAtMs - monotonicMs()) };
  }
}

function newWindow(endsAtMs: number, limit: number): Window {
  return { id: randomUUID(), endsAtMs, limit, used: 0, held: 0, untold: 0, waiting: 0, asking: null };
}

function spentOf(window: Window): number {
  return window.used - window.held;
}

/** One for each request that waits; else a block. */
function wantedPoints({ limit, used, waiting }: Window): number {
  const block = Math.min(Math.floor(limit / BLOCKS_PER_WINDOW), Math.ceil((limit - used) * SHARE_OF_REST));
  return Math.max(1, block, waiting);
}
