// Waits for executions to end, for `?wait=`. All that is waited for in this process is asked for in one statement a tenant
// and tick, so that a hundred callers cost no more than one.

import { type Database, executionsEnded } from "@keelson/db";
import type { Logger } from "@keelson/service-kit";

export interface EndWatcher {
  /** Resolves when the execution has ended, after `withinMs`, or when `signal` aborts; never rejects. */
  untilEnd(tenantId: string, executionId: string, withinMs: number, signal: AbortSignal): Promise<void>;
}

interface Waiter {
  readonly tenantId: string;
  readonly executionId: string;
  readonly sinceMs: number;
  readonly done: () => void;
}

/** Many executions end within a second: those are looked at often. */
const YOUNG_MS = 1_000;
const YOUNG_POLL_MS = 50;
const POLL_MS = 250;

export function createEndWatcher(deps: { readonly db: Database; readonly log: Logger }): EndWatcher {
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | null = null;

  function schedule(): void {
    if (timer !== null || waiters.size === 0) return;
    const nowMs = performance.now();
    const isYoung = [...waiters].some((waiter) => nowMs - waiter.sinceMs < YOUNG_MS);
    timer = setTimeout(() => void tick(), isYoung ? YOUNG_POLL_MS : POLL_MS);
  }

  async function tick(): Promise<void> {
    try {
      const byTenant = Map.groupBy(waiters, (waiter) => waiter.tenantId);
      await Promise.all([...byTenant].map(([tenantId, mine]) => look(tenantId, mine)));
    } catch (error) {
      // Whoever waits goes on waiting: PostgreSQL may be back in time.
      deps.log.debug({ err: error }, "execution.wait_failed");
    } finally {
      timer = null;
      schedule();
    }
  }

  async function look(tenantId: string, mine: readonly Waiter[]): Promise<void> {
    const ids = [...new Set(mine.map((waiter) => waiter.executionId))];
    const ended = await deps.db.withTenant(tenantId, (tx) => executionsEnded(tx, tenantId, ids));
    for (const waiter of mine) if (ended.has(waiter.executionId)) waiter.done();
  }

  return {
    async untilEnd(tenantId, executionId, withinMs, signal) {
      if (signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { tenantId, executionId, sinceMs: performance.now(), done: resolve };
      const timeout = setTimeout(resolve, withinMs);
      signal.addEventListener("abort", () => resolve(), { once: true });
      waiters.add(waiter);
      schedule();
      await promise;
      waiters.delete(waiter);
      clearTimeout(timeout);
    },
  };
}
