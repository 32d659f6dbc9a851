// What became of a schedule's due times. The rows are written by the transition that decides them; this reads them.

import type { FireReason, ScheduleFireFilter } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { type Page, pageFrom } from "./page.ts";

export interface ScheduleFireRow {
  /** Where it stands in the list: its due time as epoch microseconds. */
  readonly position: string;
  readonly dueAt: Date;
  readonly untilAt: Date | null;
  readonly count: number | null;
  readonly status: "due" | "fired" | "skipped" | "missed";
  readonly reason: FireReason | null;
  readonly executionId: string | null;
  readonly settledAt: Date | null;
}

/** Latest due time first, the next one at the head. Primary key, read backwards. `before`: the last position of the page before. */
export async function scheduleFireList(
  tx: TenantTx,
  schedule: { readonly tenantId: string; readonly id: string },
  filter: ScheduleFireFilter,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<ScheduleFireRow>> {
  const { tenantId, id } = schedule;
  const statuses = filter.status ?? null;
  const since = filter.since ?? null;
  const until = filter.until ?? null;
  const inPage = (dueAt: Prisma.Sql) => Prisma.sql`
    (${since}::timestamptz is null or ${dueAt} >= ${since}) and (${until}::timestamptz is null or ${dueAt} < ${until})
    and (${page.before}::bigint is null
      or ${dueAt} < timestamptz 'epoch' + ${page.before}::bigint * interval '1 microsecond')`;
  const fires = await tx.$queryRaw<ScheduleFireRow[]>`
    select (extract(epoch from f.due_at) * 1000000)::bigint::text as position, f.due_at as "dueAt",
      f.until_at as "untilAt", f.count, f.status, f.reason, f.execution_id as "executionId", f.settled_at as "settledAt"
    from keelson.schedule_fires f
    where f.tenant_id = ${tenantId}::uuid and f.schedule_id = ${id}::uuid and ${inPage(Prisma.sql`f.due_at`)}
      and (${statuses}::text[] is null or f.status = any(${statuses}::text[]))
    order by f.due_at desc limit ${page.limit + 1}`;
  if (statuses !== null && !statuses.includes("due")) return pageFrom(fires, page.limit);
  const due = await tx.$queryRaw<ScheduleFireRow[]>`
    select (extract(epoch from s.next_at) * 1000000)::bigint::text as position, s.next_at as "dueAt",
      null::timestamptz as "untilAt", 1 as count, 'due' as status, null as reason, null as "executionId",
      null::timestamptz as "settledAt"
    from keelson.schedules s
    where s.tenant_id = ${tenantId}::uuid and s.id = ${id}::uuid and s.in_latest and s.status = 'active'
      and s.next_at is not null and ${inPage(Prisma.sql`s.next_at`)}`;
  return pageFrom(
    [...due, ...fires].toSorted((one, other) => Number(BigInt(other.position) - BigInt(one.position))),
    page.limit,
  );
}

/** Writes down due times that are dropped. */
export async function scheduleFireSkipped(
  tx: TenantTx,
  tenantId: string,
  scheduleId: string,
  skipped: {
    readonly dueAt: Date;
    /** The last of several; null: it is one. */
    readonly untilAt: Date | null;
    /** Null: nobody has counted them. */
    readonly count: number | null;
    readonly reason: FireReason;
  },
): Promise<void> {
  const { dueAt, untilAt, count, reason } = skipped;
  await tx.$executeRaw`
    insert into keelson.schedule_fires (tenant_id, schedule_id, due_at, until_at, count, status, reason)
    values (${tenantId}::uuid, ${scheduleId}::uuid, ${dueAt}, ${untilAt}, ${count}::int, 'skipped', ${reason})
    on conflict (tenant_id, schedule_id, due_at) do nothing`;
}
