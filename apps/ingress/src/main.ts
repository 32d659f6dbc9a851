// The ingress: takes webhooks, checks who sent them, and commits each as an execution before it says so. Any number may run.

import { setTimeout as wait } from "node:timers/promises";
import { createSecretBox, openDatabase, tellMissingMasterKeys } from "@keelson/db";
import { changeChannel, createHints, createSharedRate, openRedis, subscribe } from "@keelson/queue";
import {
  createLogger,
  createMetrics,
  createServiceServer,
  gaugePool,
  openTracing,
  runService,
  standAtFailPoint,
} from "@keelson/service-kit";
import { env } from "./env.ts";
import { forgetOnChange } from "./hooks/forget-on-change.ts";
import { createIngress } from "./ingress.ts";

const CONNECTIONS = 10;
/** How long a stop waits for refused deliveries that are still to be written down. */
const SETTLE_MS = 2_000;

const log = createLogger({ service: "ingress", level: env.LOG_LEVEL });
standAtFailPoint(env.KEELSON_FAIL_POINT, log);

await runService({
  name: "ingress",
  log,
  graceMs: env.STOP_GRACE,
  async start({ stopping }) {
    const metrics = createMetrics({ service: "ingress" });
    const db = openDatabase({
      url: env.DATABASE_URL,
      applicationName: "keelson-ingress",
      maxConnections: CONNECTIONS,
      onIdleError: (error) => log.warn({ err: error }, "database.connection_lost"),
    });
    gaugePool(metrics, db.pool);
    const tracing = await openTracing("keelson-ingress", env);
    await db.assertRestricted("keelson_app");
    await db.assertMigrated();
    const secretBox = createSecretBox(env.KEELSON_MASTER_KEY);
    await tellMissingMasterKeys(db, secretBox, log);

    const redisLog = {
      redisLost: (connection: string, error: unknown) => log.warn({ connection, err: error }, "redis.lost"),
      redisBack: (connection: string) => log.info({ connection }, "redis.back"),
    };
    const redis = openRedis(env.REDIS_URL, "ingress", "command", redisLog);
    const changesRedis = openRedis(env.REDIS_URL, "ingress-changes", "blocking", redisLog);
    const hints = createHints(redis, env.REDIS_PREFIX);
    const monotonicMs = () => performance.now();

    let ownUrl = "";
    const { app, hooks, settled } = createIngress({
      db,
      secretBox,
      masterKeys: env.KEELSON_MASTER_KEY,
      publicUrl: () => env.publicUrl ?? ownUrl,
      wake: (ref) => hints.wake(ref, 0),
      signedRate: createSharedRate({ redis, prefix: env.REDIS_PREFIX, monotonicMs }),
      log,
      metrics,
      tracing,
      stopping,
      nowMs: Date.now,
      monotonicMs,
      checks: [
        { name: "postgres", required: true, check: db.assertMigrated },
        { name: "redis", required: false, check: async () => void (await redis.ping()) },
      ],
    });
    const changes = subscribe({
      redis: changesRedis,
      channel: changeChannel(env.REDIS_PREFIX),
      onMessage: forgetOnChange(hooks),
      onConnected: hooks.forgetAll,
      onDisconnected: hooks.forgetAll,
    });
    const server = createServiceServer({
      app,
      port: env.INGRESS_PORT,
      bindAddress: env.BIND_ADDRESS,
      stopDelayMs: env.STOP_DELAY,
    });
    const { port } = await server.listen();
    ownUrl = `http://${hostOf(env.BIND_ADDRESS)}:${port}`;

    return {
      drain: (signal) => server.drain(signal),
      async close() {
        await Promise.race([settled(), wait(SETTLE_MS, undefined, { ref: false })]);
        await Promise.allSettled([changes.close(), hints.close(), tracing.close()]);
        redis.disconnect();
        await db.close();
      },
    };
  },
});

/** Where this machine reaches what listens on an address. */
function hostOf(bindAddress: string): string {
  if (bindAddress === "0.0.0.0" || bindAddress === "::") return "127.0.0.1";
  return bindAddress.includes(":") ? `[${bindAddress}]` : bindAddress;
}
