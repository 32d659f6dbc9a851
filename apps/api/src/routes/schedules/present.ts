import type { Schedule } from "@keelson/contracts";
import { nextFireTimes } from "@keelson/dag";
import type { ScheduleRow } from "@keelson/db";

const FIRES_SHOWN = 5;

export function presentSchedule(row: ScheduleRow): Schedule {
  const { id, workflow, triggerId, cron, timezone, status, lastFiredAt } = row;
  const next = nextOf(row).map((time) => time.toISOString());
  return { id, workflow, triggerId, cron, timezone, status, next, lastFiredAt: lastFiredAt?.toISOString() ?? null };
}

/** The stored one, which may be due just now, and those after it. */
function nextOf({ status, nextAt, cron, timezone }: ScheduleRow): Date[] {
  if (status === "paused" || nextAt === null) return [];
  return [nextAt, ...nextFireTimes(cron, timezone, nextAt, FIRES_SHOWN - 1)];
}
