// Hooks and schedules last over versions: known by workflow and trigger id, they keep their id, and with it the URL, the
// repeat keys and the pause. The latest version says which of them are in force, and how.

import { randomBytes } from "node:crypto";
import type { ScheduleTrigger, Trigger } from "@keelson/contracts";
import { nextFireTimes } from "@keelson/dag";
import { v7 } from "uuid";
import type { TenantTx } from "../database.ts";

/** Makes a workflow's hooks and schedules what these triggers say. The caller holds the workflow's lock. */
export async function syncTriggers(
  tx: TenantTx,
  tenantId: string,
  workflowId: string,
  triggers: readonly Trigger[],
): Promise<void> {
  const schedules = triggers.filter((trigger) => trigger.type === "schedule");
  const hooks = triggers.filter((trigger) => trigger.type === "webhook");
  for (const { id } of hooks) {
    await tx.$executeRaw`
      insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id)
      values (${tenantId}::uuid, ${newHookId()}::uuid, ${workflowId}::uuid, ${id})
      on conflict (tenant_id, workflow_id, trigger_id) do nothing`;
  }
  if (schedules.length > 0) {
    const now = await databaseNow(tx);
    for (const schedule of schedules) await upsertSchedule(tx, tenantId, workflowId, schedule, now);
  }
  await tx.$executeRaw`
    update keelson.schedules set in_latest = false, next_at = null
    where tenant_id = ${tenantId}::uuid and workflow_id = ${workflowId}::uuid and in_latest
      and trigger_id <> all(${schedules.map((schedule) => schedule.id)}::text[])`;
}

/** One that goes on with the same times keeps its next one, which may be due already; any other counts from now. */
async function upsertSchedule(
  tx: TenantTx,
  tenantId: string,
  workflowId: string,
  { id, cron, timezone = "UTC", missed = "latest", overlap = "allow", input = null }: ScheduleTrigger,
  now: Date,
): Promise<void> {
  const nextAt = nextFireTimes(cron, timezone, now, 1)[0] ?? null;
  await tx.$executeRaw`
    insert into keelson.schedules as s
      (tenant_id, id, workflow_id, trigger_id, cron, timezone, missed, overlap, input, next_at)
    values (${tenantId}::uuid, ${v7()}::uuid, ${workflowId}::uuid, ${id}, ${cron}, ${timezone}, ${missed}, ${overlap},
      ${JSON.stringify(input)}::json, ${nextAt}::timestamptz)
    on conflict (tenant_id, workflow_id, trigger_id) do update set
      cron = excluded.cron, timezone = excluded.timezone, missed = excluded.missed, overlap = excluded.overlap,
      input = excluded.input, in_latest = true,
      next_at = case
        when s.in_latest and s.next_at is not null and s.cron = excluded.cron and s.timezone = excluded.timezone
        then s.next_at else excluded.next_at end`;
}

/** PostgreSQL's time: due times are compared with nothing else. */
export async function databaseNow(tx: TenantTx): Promise<Date> {
  const rows = await tx.$queryRaw<{ now: Date }[]>`select now()`;
  const now = rows[0]?.now;
  if (now === undefined) throw new Error("PostgreSQL did not say what time it is");
  return now;
}

/** All of its random part is random, where uuid would count upwards within a millisecond: a hook's address is a secret. */
function newHookId(): string {
  return v7({ random: randomBytes(16) });
}
