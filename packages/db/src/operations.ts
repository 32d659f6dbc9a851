// What the operator's calls read, across tenants: functions of the dispatcher's, that answer with ids, counts, states and
// times alone. None looks through history: they read what has not ended, up to a cap, heartbeats and roll-ups.

import { WorkerHeartbeat } from "@keelson/contracts";
import type { Database, HotQuery } from "./database.ts";
import type { TenantLimits } from "./look-ups.ts";

/** Nothing is counted beyond this: the count is then at least so much. */
export const COUNT_CAP = 100_000;
export const TENANT_COUNT_CAP = 10_000;

/** Indexes executions_unfinished, executions_held, executions_owned, executions_due. */
const BACKLOG: HotQuery = { name: "ops_backlog", text: "select * from keelson.ops_backlog($1)" };
/** Index executions_owned. */
const WORKERS: HotQuery = { name: "ops_workers", text: "select * from keelson.ops_workers($1)" };
/** Index stats_minutes_at. */
const MINUTES: HotQuery = { name: "ops_minutes", text: "select * from keelson.ops_minutes($1)" };
/** Index executions_unfinished. */
const FULLEST: HotQuery = { name: "ops_fullest", text: "select * from keelson.ops_fullest($1, $2)" };
/** Primary key. */
const LIMITS: HotQuery = { name: "tenants_limits", text: "select * from keelson.tenants_limits($1)" };
/** Indexes executions_unfinished, executions_held, stats_minutes_pkey. */
const USAGE: HotQuery = { name: "ops_usage", text: "select * from keelson.ops_usage($1, $2, $3)" };

export interface Backlog {
  /** PostgreSQL's. */
  readonly nowAt: Date;
  readonly unfinished: number;
  readonly queued: number;
  readonly held: number;
  readonly running: number;
  readonly ready: number;
  readonly oldestReadySeconds: number | null;
}

/** What has not ended, each count up to COUNT_CAP. */
export function backlogRead(db: Database): Promise<Backlog> {
  return db.withSystem("the backlog of all tenants", async ({ call }) => {
    const [row] = await call<Omit<Backlog, "nowAt" | "oldestReadySeconds"> & BacklogRest>(BACKLOG, [COUNT_CAP]);
    if (row === undefined) throw new Error("ops_backlog has no row");
    const { now_at: nowAt, oldest_ready_seconds: oldestReadySeconds, ...counts } = row;
    return { ...counts, nowAt, oldestReadySeconds };
  });
}

interface BacklogRest {
  readonly now_at: Date;
  readonly oldest_ready_seconds: number | null;
}

export interface WorkerRow {
  readonly id: string;
  readonly name: string;
  readonly startedAt: Date;
  readonly renewedAt: Date;
  readonly alive: boolean;
  readonly leases: number;
  /** What it has said; nothing before its first beat. */
  readonly heartbeat: Partial<WorkerHeartbeat>;
}

const Heartbeat = WorkerHeartbeat.partial().catch({});

/** The living first, then the dead, the last seen first. */
export function workersRead(db: Database, limit: number): Promise<WorkerRow[]> {
  return db.withSystem("all workers' heartbeats", async ({ call }) => {
    const rows = await call<{
      id: string;
      name: string;
      started_at: Date;
      renewed_at: Date;
      alive: boolean;
      stats: unknown;
      leases: number;
    }>(WORKERS, [limit]);
    return rows.map(({ id, name, started_at: startedAt, renewed_at: renewedAt, alive, stats, leases }) => ({
      id,
      name,
      startedAt,
      renewedAt,
      alive,
      leases,
      // A field left out is a field undefined: what reads it takes either for not said.
      heartbeat: Heartbeat.parse(stats) as Partial<WorkerHeartbeat>,
    }));
  });
}

/** What started or ended in one minute, of all tenants together. */
export interface MinuteRow {
  readonly minute: Date;
  readonly kind: "started" | "ended";
  /** That it ended with; "" for starts. */
  readonly status: string;
  readonly count: number;
  readonly durationMsMax: number;
  /** By the bounds of LATENCY_BOUNDS_MS. */
  readonly latencyBuckets: readonly number[];
}

export function minutesRead(db: Database, since: Date): Promise<MinuteRow[]> {
  return db.withSystem("rates of all tenants", async ({ call }) => {
    const rows = await call<
      Pick<MinuteRow, "minute" | "kind" | "status" | "count"> & {
        duration_ms_max: number;
        latency_buckets: number[] | null;
      }
    >(MINUTES, [since]);
    return rows.map(({ minute, kind, status, count, duration_ms_max: durationMsMax, latency_buckets: buckets }) => ({
      minute,
      kind,
      status,
      count,
      durationMsMax,
      latencyBuckets: buckets ?? [],
    }));
  });
}

/** How many tenants, of the ten with the most unfinished executions, have as many as they may. */
export function tenantsFull(db: Database, defaultLimit: number): Promise<number> {
  return db.withSystem("tenants at their limit", async ({ call }) => {
    const fullest = await call<{ tenant_id: string; unfinished: number }>(FULLEST, [COUNT_CAP, 10]);
    const ids = fullest.map((row) => row.tenant_id);
    const limits = await call<{ id: string; limits: TenantLimits }>(LIMITS, [ids]);
    const limitOf = new Map(limits.map((row) => [row.id, row.limits.unfinishedExecutions ?? defaultLimit]));
    return fullest.filter((row) => row.unfinished >= (limitOf.get(row.tenant_id) ?? defaultLimit)).length;
  });
}

export interface UsageRow {
  readonly tenantId: string;
  /** Up to TENANT_COUNT_CAP, as `held`. */
  readonly unfinished: number;
  readonly held: number;
  /** Since the time asked for. */
  readonly started: number;
  readonly byWebhook: number;
  readonly ended: number;
  readonly failed: number;
}

export function usageRead(db: Database, tenantIds: readonly string[], since: Date): Promise<UsageRow[]> {
  return db.withSystem("what tenants use", async ({ call }) => {
    const rows = await call<Omit<UsageRow, "tenantId" | "byWebhook"> & { tenant_id: string; by_webhook: number }>(
      USAGE,
      [tenantIds, TENANT_COUNT_CAP, since],
    );
    return rows.map(({ tenant_id: tenantId, by_webhook: byWebhook, ...row }) => ({ ...row, tenantId, byWebhook }));
  });
}
