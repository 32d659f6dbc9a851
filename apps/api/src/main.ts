// The api: the REST API, for tenants by their keys and for the operator by the token. Any number may run.

import { createSecretBox, openDatabase, tellMissingMasterKeys } from "@keelson/db";
import {
  createLogger,
  createMetrics,
  createServiceServer,
  gaugePool,
  openTracing,
  runService,
  standAtFailPoint,
  startLoop,
} from "@keelson/service-kit";
import { createApi } from "./create-api.ts";
import { env } from "./env.ts";

const CONNECTIONS = 12;
const BULK_ACTIONS_EVERY_MS = 250;

const log = createLogger({ service: "api", level: env.LOG_LEVEL });
standAtFailPoint(env.KEELSON_FAIL_POINT, log);

await runService({
  name: "api",
  log,
  graceMs: env.STOP_GRACE,
  async start({ stopping }) {
    const db = openDatabase({
      url: env.DATABASE_URL,
      applicationName: "keelson-api",
      maxConnections: CONNECTIONS,
      onIdleError: (error) => log.warn({ err: error }, "database.connection_lost"),
    });
    const metrics = createMetrics({ service: "api" });
    gaugePool(metrics, db.pool);
    const tracing = await openTracing("keelson-api", env);
    await db.assertRestricted("keelson_app");
    await db.assertMigrated();
    await tellMissingMasterKeys(db, createSecretBox(env.KEELSON_MASTER_KEY), log);
    const api = createApi({
      db,
      redisUrl: env.REDIS_URL,
      redisPrefix: env.REDIS_PREFIX,
      adminToken: env.KEELSON_ADMIN_TOKEN,
      masterKeys: env.KEELSON_MASTER_KEY,
      ingressUrl: env.ingressUrl,
      log,
      metrics,
      tracing,
      stopping,
    });
    const server = createServiceServer({
      app: api.app,
      port: env.API_PORT,
      bindAddress: env.BIND_ADDRESS,
      stopDelayMs: env.STOP_DELAY,
    });
    await server.listen();
    const bulkActions = startLoop({
      intervalMs: BULK_ACTIONS_EVERY_MS,
      runOnce: api.bulkActions.runOnce,
      onError: (error) => log.warn({ err: error }, "bulk_actions.run_failed"),
    });
    return {
      drain: (signal) => server.drain(signal),
      async close() {
        await bulkActions.stop();
        await Promise.allSettled([api.close(), tracing.close()]);
        await db.close();
      },
    };
  },
});
