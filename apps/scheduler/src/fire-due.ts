// Fires schedules. Due times stand in PostgreSQL and are settled there, each exactly once, whatever number of schedulers
// run; this only reckons which due times there are.
import { failPoint } from "@keelson/contracts";
import { type DueRange, dueTimesUntil } from "@keelson/dag";
import type { DueSchedule, Fire, ScheduleStore, SettledFire } from "@keelson/db";
import type { ExecutionRef } from "@keelson/engine";

/** A due time first seen later than this was missed; ms. */
export const MISSED_AFTER_MS = 10_000;
/** Due times of one outage that are settled singly, and so catch-ups at the most; those before them share a row. */
const MAX_SINGLE = 100;
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
      const settled = await deps.schedules.settle(schedule, nextAt, fires);
      failPoint("scheduler.fire.committed");
      for (const fire of settled) {
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
  const { older, last, nextAt } = dueTimesUntil(schedule, schedule.nextAt, nowAt, MAX_SINGLE);
  const late = last.filter((dueAt) => nowAt.getTime() - dueAt.getTime() > MISSED_AFTER_MS);
  const caughtUp = catchUps(schedule.missed, late);
  const missed = new Set(late.filter((dueAt) => !caughtUp.includes(dueAt)));
  const single = last.map((dueAt) => ({
    dueAt,
    executionId: newId(),
    missed: missed.has(dueAt),
    late: caughtUp.includes(dueAt),
  }));
  return { nextAt, fires: older === null ? single : [rangeOf(older, newId()), ...single] };
}

/** Missed, all of them, whatever `missed` says: one row, lest an outage of a month leave one for each minute. */
function rangeOf({ firstAt, lastAt, count }: DueRange, executionId: string): Fire {
  const several = lastAt > firstAt ? { untilAt: lastAt, count } : {};
  return { dueAt: firstAt, executionId, missed: true, ...several };
}

/** Which of the missed due times get an execution all the same. */
function catchUps(policy: DueSchedule["missed"], late: readonly Date[]): readonly Date[] {
  switch (policy) {
    case "skip":
      return [];
    case "latest":
      return late.slice(-1);
    case "all":
      return late;
  }
}
