// Fires schedules. Due times stand in PostgreSQL and are settled there, each exactly once, whatever number of schedulers
// run; this only reckons which due times there are.
import { nextFireTimes } from "@keelson/dag";
import type { DueSchedule, Fire, ScheduleStore, SettledFire } from "@keelson/db";
import type { ExecutionRef } from "@keelson/engine";

/** A due time first seen later than this was missed; ms. */
export const MISSED_AFTER_MS = 10_000;
/** Catch-ups of one schedule at the most. */
const MAX_CATCH_UPS = 100;
/** Due times reckoned in one go; a longer outage is caught up with in several. */
const MAX_RECKONED = 1_000;
/** Schedules settled in one run. */
const MAX_SCHEDULES = 500;

export interface FireDueDeps {
  readonly schedules: ScheduleStore;
  readonly newId: () => string;
  /** An execution is queued; a hint, it may be lost. */
  readonly wake: (ref: ExecutionRef) => void;
  readonly onSettled: (schedule: DueSchedule, fire: SettledFire) => void;
  /** One schedule could not be settled; the others are. */
  readonly onError: (schedule: DueSchedule, error: unknown) => void;
}

/** Settles what is due by now. Rejects where PostgreSQL cannot be reached. */
export async function fireDue(deps: FireDueDeps): Promise<{ readonly fired: number }> {
  let fired = 0;
  for (const schedule of await deps.schedules.due(MAX_SCHEDULES)) {
    try {
      const { nextAt, fires } = reckon(schedule, deps.newId);
      for (const fire of await deps.schedules.settle(schedule, nextAt, fires)) {
        if (fire.executionId !== null) fired += 1;
        if (fire.executionId !== null && !fire.held)
          deps.wake({ tenantId: schedule.tenantId, executionId: fire.executionId });
        deps.onSettled(schedule, fire);
      }
    } catch (error) {
      deps.onError(schedule, error);
    }
  }
  return { fired };
}

/** The due times from `nextAt` until now, which of them fire, and the one after. */
export function reckon(schedule: DueSchedule, newId: () => string): { nextAt: Date | null; fires: Fire[] } {
  const { nowAt } = schedule;
  const { past, nextAt } = pastDueTimes(schedule);
  const late = past.filter((dueAt) => nowAt.getTime() - dueAt.getTime() > MISSED_AFTER_MS);
  const caughtUp = nextAt === null || nextAt > nowAt ? catchUps(schedule.missed, late) : [];
  const missed = new Set(late.filter((dueAt) => !caughtUp.includes(dueAt)));
  return { nextAt, fires: past.map((dueAt) => ({ dueAt, executionId: newId(), missed: missed.has(dueAt) })) };
}

/** After a long outage only the first of them, so that the last, which may be caught up with, are in one run together. */
function pastDueTimes({ cron, timezone, nextAt: firstAt, nowAt }: DueSchedule): { past: Date[]; nextAt: Date | null } {
  const few = nextFireTimes(cron, timezone, firstAt, 2);
  const lastOfFew = few.at(-1);
  const later =
    lastOfFew === undefined || lastOfFew > nowAt ? few : nextFireTimes(cron, timezone, firstAt, MAX_RECKONED);
  const nextAt = later.find((dueAt) => dueAt > nowAt);
  if (nextAt !== undefined) return { past: [firstAt, ...later.filter((dueAt) => dueAt <= nowAt)], nextAt };
  if (later.length < MAX_RECKONED) return { past: [firstAt, ...later], nextAt: null };
  return { past: [firstAt, ...later.slice(0, -MAX_CATCH_UPS)], nextAt: later.at(-MAX_CATCH_UPS) ?? null };
}

/** Which of the missed due times get an execution all the same. */
function catchUps(policy: DueSchedule["missed"], late: readonly Date[]): readonly Date[] {
  switch (policy) {
    case "skip":
      return [];
    case "latest":
      return late.slice(-1);
    case "all":
      return late.slice(-MAX_CATCH_UPS);
  }
}
