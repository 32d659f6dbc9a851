// Waits for executions to get on: for their end (`?wait=`), or for their next event (event streams). All that is waited for
// in this process is asked for in one statement a tenant and tick, so that a hundred callers cost little more than one.

import { type Database, type ExecutionProgress, executionsProgress } from "@keelson/db";
import type { Logger } from "@keelson/service-kit";

export interface ExecutionWatcher {
  /** Resolves when `isThere` says so of where it stands, after `withinMs`, or when `signal` aborts; never rejects. */
  until(wait: {
    readonly tenantId: string;
    readonly executionId: string;
    readonly isThere: (progress: ExecutionProgress) => boolean;
    readonly withinMs: number;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

interface Waiter {
  readonly tenantId: string;
  readonly executionId: string;
  readonly isThere: (progress: ExecutionProgress) => boolean;
  readonly sinceMs: number;
  readonly done: () => void;
}

/** Much happens within a second: what has just been asked for is looked at often. */
const YOUNG_MS = 1_000;
const YOUNG_POLL_MS = 50;
const POLL_MS = 250;

export function createExecutionWatcher(deps: { readonly db: Database; readonly log: Logger }): ExecutionWatcher {
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | null = null;
  let looking = false;

  /** A wait that is young does not stand in line behind an older one's slower tick. */
  function schedule(): void {
    if (looking || waiters.size === 0) return;
    if (timer !== null) clearTimeout(timer);
    const nowMs = performance.now();
    const isYoung = [...waiters].some((waiter) => nowMs - waiter.sinceMs < YOUNG_MS);
    timer = setTimeout(() => void tick(), isYoung ? YOUNG_POLL_MS : POLL_MS);
  }

  async function tick(): Promise<void> {
    timer = null;
    looking = true;
    try {
      const byTenant = Map.groupBy(waiters, (waiter) => waiter.tenantId);
      await Promise.all([...byTenant].map(([tenantId, mine]) => look(tenantId, mine)));
    } catch (error) {
      // Whoever waits goes on waiting: PostgreSQL may be back in time.
      deps.log.debug({ err: error }, "execution.watch_failed");
    } finally {
      looking = false;
      schedule();
    }
  }

  async function look(tenantId: string, mine: readonly Waiter[]): Promise<void> {
    const ids = [...new Set(mine.map((waiter) => waiter.executionId))];
    const found = await deps.db.withTenant(tenantId, (tx) => executionsProgress(tx, tenantId, ids));
    const progress = new Map(found.map((one) => [one.id, one]));
    for (const waiter of mine) {
      const now = progress.get(waiter.executionId);
      if (now === undefined || waiter.isThere(now)) waiter.done();
    }
  }

  return {
    async until({ withinMs, signal, ...wanted }) {
      if (signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { ...wanted, sinceMs: performance.now(), done: resolve };
      const timeout = setTimeout(resolve, withinMs);
      const onAbort = () => resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      waiters.add(waiter);
      if (timer === null || waiters.size === 1) schedule();
      await promise;
      waiters.delete(waiter);
      clearTimeout(timeout);
      signal.removeEventListener("abort", onAbort);
    },
  };
}
