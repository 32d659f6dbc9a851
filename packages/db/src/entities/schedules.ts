// Schedules of latest versions, as people read, pause and resume them.

import { dueTimesUntil, nextFireTimes } from "@keelson/dag";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { type Page, pageFrom } from "./page.ts";
import { scheduleFireSkipped } from "./schedule-fires.ts";
import { databaseNow } from "./triggers.ts";

export interface ScheduleRow {
  readonly id: string;
  readonly workflow: string;
  readonly workflowId: string;
  readonly triggerId: string;
  readonly cron: string;
  readonly timezone: string;
  readonly status: "active" | "paused";
  readonly nextAt: Date | null;
  readonly lastFiredAt: Date | null;
}

const COLUMNS = Prisma.sql`
  s.id, w.name as workflow, s.workflow_id as "workflowId", s.trigger_id as "triggerId", s.cron, s.timezone, s.status,
  s.next_at as "nextAt", s.last_fired_at as "lastFiredAt"
  from keelson.schedules s join keelson.workflows w on w.tenant_id = s.tenant_id and w.id = s.workflow_id`;

/** Null: there is none, or the latest version has left it out. */
export async function scheduleGet(tx: TenantTx, tenantId: string, id: string): Promise<ScheduleRow | null> {
  const rows = await tx.$queryRaw<ScheduleRow[]>`
    select ${COLUMNS} where s.tenant_id = ${tenantId}::uuid and s.id = ${id}::uuid and s.in_latest`;
  return rows[0] ?? null;
}

/** Newest first; `before`: the last id of the page before. */
export async function scheduleList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<ScheduleRow>> {
  const rows = await tx.$queryRaw<ScheduleRow[]>`
    select ${COLUMNS} where s.tenant_id = ${tenantId}::uuid and s.in_latest
      and (${page.before}::uuid is null or s.id < ${page.before}::uuid)
    order by s.id desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}

/** Due times from now on are dropped. False: it was paused already, or is not there. */
export async function schedulePause(tx: TenantTx, tenantId: string, id: string): Promise<boolean> {
  const { count } = await tx.schedule.updateMany({
    where: { tenantId, id, inLatest: true, status: "active" },
    data: { status: "paused" },
  });
  return count > 0;
}

/** The next due time is the first from now on. False: it was active already, or is not there. */
export async function scheduleResume(tx: TenantTx, tenantId: string, id: string): Promise<boolean> {
  const schedule = await scheduleGet(tx, tenantId, id);
  if (schedule === null) return false;
  const now = await databaseNow(tx);
  const nextAt = nextFireTimes(schedule.cron, schedule.timezone, now, 1)[0] ?? null;
  const { count } = await tx.schedule.updateMany({
    where: { tenantId, id, inLatest: true, status: "paused" },
    data: { status: "active", nextAt },
  });
  if (count > 0) await noteDropped(tx, tenantId, schedule, now);
  return count > 0;
}

/** The due times that came while it was paused are one row among its fires. */
async function noteDropped(tx: TenantTx, tenantId: string, schedule: ScheduleRow, now: Date): Promise<void> {
  if (schedule.nextAt === null || schedule.nextAt > now) return;
  const { older, last } = dueTimesUntil(schedule, schedule.nextAt, now, 1);
  const count = older === null ? 1 : older.count === null ? null : older.count + 1;
  await scheduleFireSkipped(tx, tenantId, schedule.id, {
    dueAt: schedule.nextAt,
    untilAt: older === null ? null : (last[0] ?? older.lastAt),
    count,
    reason: "SCHEDULE_PAUSED",
  });
}
