// Schedules as the scheduler sees them: when they are due, across tenants, and never what they carry.
import type { Database, HotQuery } from "./database.ts";

/** Index schedules_due. */
const DUE: HotQuery = { name: "schedules_due", text: "select * from keelson.schedules_due($1)" };
const FIRE: HotQuery = { name: "schedule_fire", text: "select * from keelson.schedule_fire($1, $2, $3, $4, $5)" };

export interface DueSchedule {
  readonly tenantId: string;
  readonly scheduleId: string;
  readonly cron: string;
  readonly timezone: string;
  readonly missed: "skip" | "latest" | "all";
  /** The due time to settle. */
  readonly nextAt: Date;
  /** PostgreSQL's time. */
  readonly nowAt: Date;
}

export interface Fire {
  readonly dueAt: Date;
  readonly executionId: string;
  /** Settled without an execution: too late, and its `missed` says so. */
  readonly missed: boolean;
  /** It fires, though late. */
  readonly late?: boolean;
  /** Of several missed ones that share a row: the last, and their number, null where nobody has counted them. */
  readonly untilAt?: Date;
  readonly count?: number | null;
}

export interface SettledFire {
  readonly dueAt: Date;
  readonly status: "fired" | "skipped" | "missed";
  readonly reason: string | null;
  readonly executionId: string | null;
  readonly held: boolean;
}

export interface ScheduleStore {
  due(limit: number): Promise<DueSchedule[]>;
  /** Settles due times and advances the schedule, in one commit; none if another scheduler has done so. */
  settle(schedule: DueSchedule, nextAt: Date | null, fires: readonly Fire[]): Promise<SettledFire[]>;
}

interface DueRow {
  readonly tenant_id: string;
  readonly schedule_id: string;
  readonly cron: string;
  readonly timezone: string;
  readonly missed: DueSchedule["missed"];
  readonly next_at: Date;
  readonly now_at: Date;
}

interface FireRow {
  readonly due_at_ms: number;
  readonly status: SettledFire["status"];
  readonly reason: string | null;
  readonly execution_id: string | null;
  readonly held: boolean;
}

export function createScheduleStore(db: Database): ScheduleStore {
  return {
    async due(limit) {
      const rows = await db.call<DueRow>(DUE, [limit]);
      return rows.map((row) => ({
        tenantId: row.tenant_id,
        scheduleId: row.schedule_id,
        cron: row.cron,
        timezone: row.timezone,
        missed: row.missed,
        nextAt: row.next_at,
        nowAt: row.now_at,
      }));
    },
    async settle(schedule, nextAt, fires) {
      const rows = await db.call<FireRow>(FIRE, [
        schedule.tenantId,
        schedule.scheduleId,
        schedule.nextAt,
        nextAt,
        JSON.stringify(fires),
      ]);
      return rows.map((row) => ({
        dueAt: new Date(row.due_at_ms),
        status: row.status,
        reason: row.reason,
        executionId: row.execution_id,
        held: row.held,
      }));
    },
  };
}
