// The scheduler: fires schedules, sweeps up whatever no hint has reached, and retires what is past its time.
// Any number may run; each due time and each row is settled in PostgreSQL, once.
import {
  backlogRead,
  createScheduleStore,
  createSweepStore,
  foldCountsOnce,
  openDatabase,
  retireCountsOnce,
  retireOnce,
} from "@keelson/db";
import { reapOnce, sweepOnce, type ExecutionRef } from "@keelson/engine";
import { createHints, createWriteProbe, openRedis } from "@keelson/queue";
import {
  createLogger,
  createMetrics,
  createServiceApp,
  createServiceServer,
  gaugePool,
  newId,
  runService,
  standAtFailPoint,
  startLoop,
} from "@keelson/service-kit";
import cron from "node-cron";
import { Counter } from "prom-client";
import { env } from "./env.ts";
import { fireDue } from "./fire-due.ts";
import { createBacklogGauges } from "./gauge-backlog.ts";

/** A dead worker is to be noticed within a second or two of its last tick. */
const REAP_MS = 250;
const SWEEP_MS = 1_000;
/** How late the counts of starts and ends may be. */
const FOLD_MS = 1_000;
const RETIRE_MS = 60_000;
/** How old the gauges of the queue may be. */
const GAUGE_MS = 5_000;
/** Incarnations of workers are kept for a day, for whoever asks what became of them. */
const WORKERS_KEPT_MS = 24 * 60 * 60 * 1000;
/** No more hints while so many lie untaken: the sweep comes again. */
const LONG_BACKLOG = 5_000;

const log = createLogger({ service: "scheduler", level: env.LOG_LEVEL });
standAtFailPoint(env.KEELSON_FAIL_POINT, log);

await runService({
  name: "scheduler",
  log,
  graceMs: env.STOP_GRACE,
  async start({ stopping }) {
    const metrics = createMetrics({ service: "scheduler" });
    const registers = [metrics.registry];
    const swept = new Counter({
      name: "keelson_swept_total",
      help: "Executions that the sweep handed on, by why.",
      labelNames: ["why"] as const,
      registers,
    });
    const fires = new Counter({
      name: "keelson_schedule_fires_total",
      help: "Due times settled, by what became of them.",
      labelNames: ["status"] as const,
      registers,
    });

    const db = openDatabase({
      url: env.DATABASE_URL,
      applicationName: "keelson-scheduler",
      maxConnections: 4,
      onIdleError: (error) => log.warn({ err: error }, "database.connection_lost"),
    });
    gaugePool(metrics, db.pool);
    await db.assertRestricted("keelson_dispatcher");
    await db.assertMigrated();
    const redis = openRedis(env.REDIS_URL, "scheduler", "command", {
      redisLost: (connection, error) => log.warn({ connection, err: error }, "redis.lost"),
      redisBack: (connection) => log.info({ connection }, "redis.back"),
    });
    const hints = createHints(redis, env.REDIS_PREFIX);
    const hinting = createWriteProbe(redis, env.REDIS_PREFIX, (takes, error) =>
      takes ? log.info("redis.takes_writes") : log.warn({ err: error }, "redis.refuses_writes"),
    );
    const schedules = createScheduleStore(db);
    const sweeps = createSweepStore(db);

    const hintAll = async (refs: readonly ExecutionRef[]): Promise<void> => {
      const backlog = await hints.backlog();
      if (backlog !== null && backlog > LONG_BACKLOG) return;
      for (const ref of refs) hints.wake(ref, 0);
    };
    const reaping = startLoop({
      intervalMs: REAP_MS,
      runOnce: async () => {
        const { buried, reaped } = await reapOnce(sweeps, (refs) => void hintAll(refs));
        swept.inc({ why: "owner_lost" }, reaped);
        if (buried + reaped > 0) log.info({ buried, reaped }, "sweep.owner_lost");
      },
      onError: (error) => log.warn({ err: error }, "sweep.failed"),
    });
    const sweeping = startLoop({
      intervalMs: SWEEP_MS,
      runOnce: async () => {
        // What it finds it can only hint at: without Redis, or with one that is full, that is the workers' own to find.
        if (!(await hinting.runOnce())) return;
        const { due, mail } = await sweepOnce(sweeps, (refs) => void hintAll(refs));
        swept.inc({ why: "due" }, due);
        swept.inc({ why: "mail" }, mail);
      },
      onError: (error) => log.warn({ err: error }, "sweep.failed"),
    });

    const fireOnce = (): Promise<{ readonly fired: number }> =>
      fireDue({
        schedules,
        newId,
        wake: (ref) => hints.wake(ref, 0),
        onSettled: (schedule, fire) => {
          fires.inc({ status: fire.status });
          log.info(
            {
              tenant_id: schedule.tenantId,
              schedule_id: schedule.scheduleId,
              execution_id: fire.executionId,
              due_at: fire.dueAt,
              outcome: fire.status,
              why: fire.reason,
            },
            "schedule.settled",
          );
        },
        onError: (schedule, error) =>
          log.error({ tenant_id: schedule.tenantId, schedule_id: schedule.scheduleId, err: error }, "schedule.failed"),
      });
    // The tick alone is node-cron's: when a schedule is due stands in PostgreSQL.
    const ticking = cron.schedule(
      "* * * * * *",
      async () => {
        await fireOnce().catch((error: unknown) => log.warn({ err: error }, "schedules.failed"));
      },
      { name: "schedules", noOverlap: true },
    );

    const folding = startLoop({
      intervalMs: FOLD_MS,
      runOnce: async () => void (await foldCountsOnce(db, stopping)),
      onError: (error) => log.warn({ err: error }, "counts.fold_failed"),
    });
    const gauges = createBacklogGauges(metrics, { backlog: () => backlogRead(db), hints: hints.backlog });
    const gauging = startLoop({
      intervalMs: GAUGE_MS,
      runOnce: gauges.runOnce,
      onError: (error) => log.warn({ err: error }, "backlog.not_read"),
    });
    const retiring = startLoop({
      intervalMs: RETIRE_MS,
      runOnce: async () => {
        const now = Date.now();
        const before = {
          executions: new Date(now - env.EXECUTION_RETENTION),
          deliveries: new Date(now - env.DELIVERY_RETENTION),
          workers: new Date(now - WORKERS_KEPT_MS),
        };
        let more = true;
        while (more && !stopping.aborted) ({ more } = await retireOnce(db, before));
        more = true;
        while (more && !stopping.aborted) ({ more } = await retireCountsOnce(db, now));
      },
      onError: (error) => log.warn({ err: error }, "retention.failed"),
    });

    const app = createServiceApp({
      log,
      metrics,
      stopping,
      checks: [
        { name: "postgres", required: true, check: db.assertMigrated },
        { name: "redis", required: false, check: async () => void (await redis.ping()) },
      ],
    });
    const server = createServiceServer({ app, port: env.SCHEDULER_PORT, bindAddress: env.BIND_ADDRESS });
    await server.listen();

    return {
      async drain(signal) {
        await ticking.stop();
        await Promise.all([reaping.stop(), sweeping.stop(), folding.stop(), gauging.stop(), retiring.stop()]);
        await server.drain(signal);
      },
      async close() {
        await ticking.destroy();
        await hints.close().catch(() => undefined);
        redis.disconnect();
        await db.close();
      },
    };
  },
});
