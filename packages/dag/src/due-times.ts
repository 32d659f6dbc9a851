// The due times of a stretch of time, however long it was: the last ones singly, those before them as one range.

import type { ZonedCron } from "./clock-changes.ts";
import { nextFireTimes, previousFireTimes } from "./cron.ts";

/** Reckoning one takes a tenth of a millisecond: more than these are not counted. */
const MAX_COUNTED = 1_000;

export interface DueRange {
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** Null: more than a thousand, nobody has counted them. */
  readonly count: number | null;
}

export interface DueTimes {
  /** All but the last ones; null: there are no others. */
  readonly older: DueRange | null;
  /** Earliest first. */
  readonly last: readonly Date[];
  /** The first one after the stretch; null: there is none. */
  readonly nextAt: Date | null;
}

/** The due times from `firstAt`, which is one, until `untilAt`: the last `keep` (1 to 300) singly. */
export function dueTimesUntil(schedule: ZonedCron, firstAt: Date, untilAt: Date, keep: number): DueTimes {
  const { cron, timezone } = schedule;
  const nextAt = nextFireTimes(cron, timezone, untilAt, 1)[0] ?? null;
  const all = counted(schedule, firstAt, untilAt);
  if (all !== null) return { ...split(all, keep), nextAt };
  const [nearAt = firstAt] = previousFireTimes(cron, timezone, untilAt, 2 * keep).slice(-1);
  const near = nextFireTimes(cron, timezone, nearAt, 3 * keep).filter((at) => at <= untilAt);
  const [lastAt = firstAt, ...last] = near.slice(-keep - 1);
  return { older: { firstAt, lastAt, count: null }, last, nextAt };
}

/** All of them, earliest first; null where there are too many. Usually there is one, or few: so it asks for few first. */
function counted({ cron, timezone }: ZonedCron, firstAt: Date, untilAt: Date): Date[] | null {
  const all = [firstAt];
  for (let batch = 1; all.length <= MAX_COUNTED; batch *= 2) {
    const more = nextFireTimes(cron, timezone, all.at(-1) ?? firstAt, batch);
    const past = more.filter((at) => at <= untilAt);
    all.push(...past);
    if (past.length < batch) return all.length <= MAX_COUNTED ? all : null;
  }
  return null;
}

function split(all: readonly Date[], keep: number): Pick<DueTimes, "older" | "last"> {
  const older = all.slice(0, -keep);
  const [firstAt, lastAt] = [older[0], older.at(-1)];
  const range = firstAt === undefined || lastAt === undefined ? null : { firstAt, lastAt, count: older.length };
  return { older: range, last: all.slice(-keep) };
}
