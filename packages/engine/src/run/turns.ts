// When which tenant's expressions may be evaluated. An evaluation blocks the whole process while it lasts, heartbeats and
// every tenant's traffic included: so they go in turns, and between turns the event loop has time for the rest (I10).
//  U1. Evaluations take TURN_MS of one turn of the event loop, all together; only one that is longer by itself takes more.
//  U2. Tenants take turns, however many evaluations one of them waits for.
//  U3. After a long evaluation, those who have lately had one rest as long as it took: together they have half the time at
//      the most, and nobody else waits for more than one of theirs.

import type { Clock } from "./ports.ts";

export interface Turns {
  /** Calls `work` at once where there is time, else when it is the tenant's turn. What counts is the time until it returns. */
  run<T>(tenantId: string, work: () => T | Promise<T>): Promise<T>;
  /** Evaluations that wait. */
  readonly waiting: number;
}

/** What evaluations may take of one turn of the event loop; ms. */
const TURN_MS = 10;
/** One that took longer is a long one; ms. */
const LONG_MS = 10;
/** How long a tenant is known for a long one; ms. */
const REMEMBERED_MS = 5_000;
/** Tenants whose long ones are remembered; those beyond are forgotten, the oldest first. */
const MAX_REMEMBERED = 1_000;

export function createTurns({ monotonicMs, after }: Pick<Clock, "monotonicMs" | "after">): Turns {
  /** By tenant, in the order of their turns. */
  const lines = new Map<string, (() => void)[]>();
  const slowUntilMs = new Map<string, number>();
  let waiting = 0;
  let usedMs = 0;
  let restUntilMs = 0;
  let isTurnComing = false;
  let isResting = false;

  async function run<T>(tenantId: string, work: () => T | Promise<T>): Promise<T> {
    if (lines.has(tenantId) || !mayBegin(tenantId)) {
      await new Promise<void>((begin) => {
        const line = lines.get(tenantId);
        if (line === undefined) lines.set(tenantId, [begin]);
        else line.push(begin);
        waiting += 1;
        comeAgain();
      });
    }
    return timed(tenantId, work);
  }

  function timed<T>(tenantId: string, work: () => T): T {
    comeAgain();
    const beganMs = monotonicMs();
    try {
      return work();
    } finally {
      const endedMs = monotonicMs();
      usedMs += endedMs - beganMs;
      if (endedMs - beganMs > LONG_MS) {
        remember(tenantId, endedMs + REMEMBERED_MS);
        restUntilMs = endedMs + (endedMs - beganMs);
      }
      admit();
    }
  }

  function mayBegin(tenantId: string): boolean {
    if (usedMs >= TURN_MS) return false;
    const slowUntil = slowUntilMs.get(tenantId);
    return slowUntil === undefined || slowUntil < monotonicMs() || restUntilMs <= monotonicMs();
  }

  function remember(tenantId: string, untilMs: number): void {
    slowUntilMs.delete(tenantId);
    slowUntilMs.set(tenantId, untilMs);
    const [oldest] = slowUntilMs.keys();
    if (slowUntilMs.size > MAX_REMEMBERED && oldest !== undefined) slowUntilMs.delete(oldest);
  }

  /** Lets the next one begin that may, if any. */
  function admit(): void {
    if (waiting === 0 || usedMs >= TURN_MS) return;
    for (const [tenantId, line] of lines) {
      if (!mayBegin(tenantId)) continue;
      const begin = line.shift();
      lines.delete(tenantId);
      if (line.length > 0) lines.set(tenantId, line); // behind all others
      waiting -= 1;
      begin?.();
      return;
    }
  }

  function comeAgain(): void {
    if (isTurnComing) return;
    isTurnComing = true;
    setImmediate(beginTurn);
  }

  function beginTurn(): void {
    isTurnComing = false;
    usedMs = 0;
    const before = waiting;
    admit();
    if (waiting === 0) return;
    // All that wait are resting: until then there is nothing to come for.
    if (waiting < before) comeAgain();
    else if (!isResting) {
      isResting = true;
      after(Math.max(1, restUntilMs - monotonicMs()), endRest);
    }
  }

  function endRest(): void {
    isResting = false;
    comeAgain();
  }

  return {
    run,
    get waiting() {
      return waiting;
    },
  };
}
