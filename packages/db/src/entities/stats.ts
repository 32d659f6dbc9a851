// Counts and latencies of a tenant's executions, out of the roll-ups alone: what it costs grows with the time asked for and
// with how many kinds of execution there are, never with how many executions.

import { LATENCY_BOUNDS_MS, type StatsBucket, type StatsGroupName } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { workflowIds } from "./execution-list.ts";

export interface StatsFilter {
  readonly bucket: StatsBucket;
  /** Both on the bounds of buckets; `to` is not included. */
  readonly from: Date;
  readonly to: Date;
  /** By name or id; undefined: all. */
  readonly workflows: readonly string[] | undefined;
  readonly groupBy: readonly StatsGroupName[];
}

export interface StatsTally {
  readonly started: number;
  readonly ended: number;
  readonly durationMsSum: number;
  readonly durationMsMax: number;
  /** By LATENCY_BOUNDS_MS; its sum may be less than `ended`. */
  readonly latencyBuckets: readonly number[];
}

/** Of a group: '' where it is not grouped by that, where there is no error, and for starts where they have no such thing. */
export interface StatsKey {
  readonly status: string;
  readonly workflowId: string;
  readonly trigger: string;
  readonly errorCode: string;
}

/** Each group's sum over the whole time, most ended first. */
export async function statsTotals(
  tx: TenantTx,
  tenantId: string,
  filter: StatsFilter,
): Promise<(StatsKey & StatsTally)[]> {
  const source = await sourceOf(tx, tenantId, filter);
  if (source === null) return [];
  return tx.$queryRaw<(StatsKey & StatsTally)[]>`
    select ${keyOf(filter.groupBy)}, ${TALLY} from ${source} group by 1, 2, 3, 4
    order by ended desc, started desc, 1, 2, 3, 4`;
}

/** The same by bucket, of these groups alone. `at` is the bucket's begin; those in which nothing happened are left out. */
export async function statsBuckets(
  tx: TenantTx,
  tenantId: string,
  filter: StatsFilter,
  groups: readonly StatsKey[],
): Promise<(StatsKey & StatsTally & { readonly at: Date })[]> {
  const source = groups.length === 0 ? null : await sourceOf(tx, tenantId, filter);
  if (source === null) return [];
  const wanted = (name: keyof StatsKey) => groups.map((group) => group[name]);
  return tx.$queryRaw<(StatsKey & StatsTally & { at: Date })[]>`
    select * from (
      select ${keyOf(filter.groupBy)}, ${AT[filter.bucket]} as at, ${TALLY} from ${source} group by 1, 2, 3, 4, 5
    ) as counted
    where (status, "workflowId", trigger, "errorCode") in (
      select * from unnest(${wanted("status")}::text[], ${wanted("workflowId")}::text[], ${wanted("trigger")}::text[],
        ${wanted("errorCode")}::text[]))`;
}

/** The present names of workflows, archived ones too. */
export async function workflowNames(
  tx: TenantTx,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.$queryRaw<{ id: string; name: string }[]>`
    select w.id, w.name from keelson.workflows w where w.tenant_id = ${tenantId}::uuid and w.id = any(${ids}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row.name]));
}

/** The rows asked for, found by the primary key; null: there can be none. */
async function sourceOf(tx: TenantTx, tenantId: string, filter: StatsFilter): Promise<Prisma.Sql | null> {
  const minutes = filter.bucket === "minute";
  const column = minutes ? Prisma.sql`s.minute` : Prisma.sql`s.hour`;
  const conditions = [
    Prisma.sql`s.tenant_id = ${tenantId}::uuid`,
    Prisma.sql`${column} >= ${filter.from}`,
    Prisma.sql`${column} < ${filter.to}`,
  ];
  if (filter.workflows !== undefined) {
    const ids = await workflowIds(tx, tenantId, filter.workflows);
    if (ids.length === 0) return null;
    conditions.push(Prisma.sql`s.workflow_id = any(${ids}::uuid[])`);
  }
  const table = minutes ? Prisma.sql`keelson.stats_minutes` : Prisma.sql`keelson.stats_hours`;
  return Prisma.sql`${table} s where ${Prisma.join(conditions, " and ")}`;
}

const AT: Record<StatsBucket, Prisma.Sql> = {
  minute: Prisma.sql`s.minute`,
  hour: Prisma.sql`s.hour`,
  day: Prisma.sql`date_trunc('day', s.hour, 'UTC')`,
};

function keyOf(groupBy: readonly StatsGroupName[]): Prisma.Sql {
  const of = (name: StatsGroupName, column: Prisma.Sql) => (groupBy.includes(name) ? column : Prisma.sql`''`);
  return Prisma.sql`
    ${of("status", Prisma.sql`s.status`)} as status,
    ${of("workflow", Prisma.sql`s.workflow_id::text`)} as "workflowId",
    ${of("trigger", Prisma.sql`s.trigger`)} as trigger,
    ${of("errorCode", Prisma.sql`s.error_code`)} as "errorCode"`;
}

const TALLY = Prisma.sql`
  coalesce(sum(s.count) filter (where s.kind = 'started'), 0)::float8 as started,
  coalesce(sum(s.count) filter (where s.kind = 'ended'), 0)::float8 as ended,
  sum(s.duration_ms_sum)::float8 as "durationMsSum",
  max(s.duration_ms_max)::float8 as "durationMsMax",
  array[${Prisma.raw(
    [0, ...LATENCY_BOUNDS_MS].map((_, index) => `coalesce(sum(s.latency_buckets[${index + 1}]), 0)`).join(", "),
  )}]::float8[] as "latencyBuckets"`;
