// The worker: takes executions, decides, commits, and carries out what was decided. Any number may run.
import {
  createDefinitionStore,
  createExecutionStore,
  createLeaseStore,
  createSecretBox,
  createSecretReader,
  createSweepStore,
  openDatabase,
  tellMissingMasterKeys,
} from "@keelson/db";
import { createPgClock, createRunner, reapOnce, sweepOnce, type ExecutionRef } from "@keelson/engine";
import {
  changeChannel,
  createHints,
  createWakeConsumer,
  createWriteProbe,
  mailChannel,
  openRedis,
  subscribe,
} from "@keelson/queue";
import {
  createLogger,
  createMetrics,
  createServiceApp,
  createServiceServer,
  gaugePool,
  newId,
  openTracing,
  runService,
  standAtFailPoint,
  startLoop,
} from "@keelson/service-kit";
import { createHttpClient, createStepKinds } from "@keelson/steps";
import { env } from "./env.ts";
import { createInputChecks } from "./input-checks.ts";
import { createObserver, createRunnerLog, gaugeLoad } from "./observe.ts";
import { createStats } from "./stats.ts";
import { traceExecutions } from "./trace-executions.ts";
import { withoutRedis } from "./without-redis.ts";

/** The lease is renewed so often; a worker that has missed two ticks and its lock is taken for dead. */
const TICK_MS = 500;
const SWEEP_MS = 1000;
const SWEEP_EVERY = 5;
/** Part of a stop's time that is left for giving back what runs longer; ms. */
const GIVE_BACK_MS = 5_000;
const CONNECTIONS = 12;
/** Hints taken at once, for each execution that may be in progress: as many as may wait for their tenant's turn, and more. */
const HINTS_PER_PLACE = 4;

const log = createLogger({ service: "worker", level: env.LOG_LEVEL });
standAtFailPoint(env.KEELSON_FAIL_POINT, log);
const name = `worker-${process.pid}`;

await runService({
  name: "worker",
  log,
  graceMs: env.STOP_GRACE,
  async start({ stopping }) {
    const metrics = createMetrics({ service: "worker" });
    const db = openDatabase({
      url: env.DATABASE_URL,
      applicationName: "keelson-worker",
      maxConnections: CONNECTIONS,
      onIdleError: (error) => log.warn({ err: error }, "database.connection_lost"),
    });
    gaugePool(metrics, db.pool);
    const tracing = await openTracing("keelson-worker", env);
    await db.assertRestricted("keelson_worker");
    await db.assertMigrated();
    const secretBox = createSecretBox(env.KEELSON_MASTER_KEY);
    const missing = await tellMissingMasterKeys(db, secretBox, log);
    const needed = missing.find(({ secrets }) => secrets > 0);
    // Better not to begin than to fail what another worker, or this one with all its keys, can do.
    if (needed !== undefined) throw needed.error;

    const redisLog = {
      redisLost: (connection: string, error: unknown) => log.warn({ connection, err: error }, "redis.lost"),
      redisBack: (connection: string) => log.info({ connection }, "redis.back"),
      redisTakesWrites: (takes: boolean, error: unknown) =>
        takes ? log.info("redis.takes_writes") : log.warn({ err: error }, "redis.refuses_writes"),
    };
    const redis = openRedis(env.REDIS_URL, "worker", "command", redisLog);
    const consumerRedis = openRedis(env.REDIS_URL, "worker-consumer", "blocking", redisLog);
    const mailRedis = openRedis(env.REDIS_URL, "worker-mail", "blocking", redisLog);
    const changeRedis = openRedis(env.REDIS_URL, "worker-changes", "blocking", redisLog);

    const clock = createPgClock(newId);
    const hints = createHints(redis, env.REDIS_PREFIX);
    const hinting = createWriteProbe(redis, env.REDIS_PREFIX, redisLog.redisTakesWrites);
    const http = createHttpClient({ egressAllow: env.KEELSON_EGRESS_ALLOW, nowAt: clock.nowAt });
    const definitions = createDefinitionStore(db);
    const stats = createStats({
      load: () => ({ executions: runner.active, waiting: runner.waiting }),
      slots: env.WORKER_CONCURRENCY,
      stopping,
    });
    const leases = createLeaseStore(db, {
      url: env.DATABASE_DIRECT_URL ?? env.DATABASE_URL,
      applicationName: "keelson-worker",
      stats: stats.read,
    });
    const offerAll = (refs: readonly ExecutionRef[]): void => {
      for (const ref of refs) {
        runner.offer(ref).catch((error: unknown) => log.warn({ err: error }, "worker.claim_failed"));
      }
    };
    const runner = createRunner(
      {
        store: createExecutionStore(db),
        leases,
        definitions,
        secrets: createSecretReader(db, secretBox),
        kinds: createStepKinds(http),
        checkInput: createInputChecks(),
        hints: withoutRedis(
          hints,
          () => hinting.takes,
          (ref) => offerAll([ref]),
        ),
        clock,
        calibrate: clock.calibrate,
        tracing: traceExecutions(tracing),
        observer: stats.counting(createObserver(log, metrics, tracing)),
        log: createRunnerLog(log, metrics),
      },
      { name, leaseTtlMs: env.LEASE_TTL, concurrency: env.WORKER_CONCURRENCY },
    );
    gaugeLoad(metrics, env.WORKER_CONCURRENCY, runner);
    await runner.tick();

    const ticking = startLoop({
      intervalMs: TICK_MS,
      runOnce: runner.tick,
      onError: (error) => log.error({ err: error }, "worker.tick_failed"),
    });
    // Hints may fail in ways that nobody notices: the worker looks for work itself now and then, and without Redis all
    // the time (I5, I9).
    const sweeps = createSweepStore(db);
    let sweepsDue = 0;
    const sweeping = startLoop({
      intervalMs: SWEEP_MS,
      runOnce: async () => {
        sweepsDue += 1;
        const hinted = await hinting.runOnce();
        if (hinted && sweepsDue % SWEEP_EVERY !== 0) return;
        // One that has no room must not heap up what others could take; but without Redis nobody else tells it of tenants
        // whose turn it may be.
        const hasRoom = runner.waiting === 0 || !hinted;
        await reapOnce(sweeps, hasRoom ? offerAll : () => undefined);
        if (hasRoom) await sweepOnce(sweeps, offerAll);
      },
      onError: (error) => log.warn({ err: error }, "worker.sweep_failed"),
    });
    const mail = subscribe({ redis: mailRedis, channel: mailChannel(env.REDIS_PREFIX), onMessage: runner.mail });
    const changes = subscribe({
      redis: changeRedis,
      channel: changeChannel(env.REDIS_PREFIX),
      onMessage: definitions.forgetNames,
      onConnected: definitions.forgetNames,
    });
    const consumer = createWakeConsumer({
      redis: consumerRedis,
      prefix: env.REDIS_PREFIX,
      concurrency: HINTS_PER_PLACE * env.WORKER_CONCURRENCY,
      onWake: runner.offer,
      onError: (error) => log.debug({ err: error }, "worker.consumer_error"),
    });

    const app = createServiceApp({
      log,
      metrics,
      stopping,
      checks: [
        { name: "postgres", required: true, check: db.assertMigrated },
        {
          name: "lease",
          required: true,
          check: async () => {
            if (!runner.isLive) throw new Error("No live lease");
          },
        },
        { name: "redis", required: false, check: async () => void (await redis.ping()) },
      ],
    });
    const server = createServiceServer({ app, port: env.WORKER_PORT, bindAddress: env.BIND_ADDRESS });
    await server.listen();

    return {
      async drain(signal) {
        const closed = consumer.close().catch((error: unknown) => log.debug({ err: error }, "worker.consumer_error"));
        const taking = Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2_000))]);
        await sweeping.stop();
        await runner.stop(env.STOP_GRACE - GIVE_BACK_MS);
        await ticking.stop();
        await taking;
        await server.drain(signal);
      },
      async close() {
        await Promise.allSettled([
          mail.close(),
          changes.close(),
          hints.close(),
          leases.close(),
          http.close(),
          tracing.close(),
        ]);
        for (const connection of [redis, consumerRedis, mailRedis]) connection.disconnect();
        await db.close();
      },
    };
  },
});
